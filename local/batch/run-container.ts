import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { buffer } from 'node:stream/consumers'
import { PassThrough } from 'node:stream'
import { type ContainerEngine, callEngine, lastLines } from '../container-engine.ts'
import {
  type ContainerTask,
  containerName,
  environmentOf,
  processArguments,
  runArguments,
} from './container-arguments.ts'
import type { ContainerEnd } from './job.ts'
import type { LogStream } from './log-stream.ts'

interface RunOptions {
  readonly task: ContainerTask
  readonly logs: LogStream | undefined
  readonly signal: AbortSignal
  readonly onStarted: () => void
}

/** Exit codes with which an engine says that it could not run the container; a container may use them as well. */
const ENGINE_EXIT_CODES = [125, 126, 127]
/** Of a process ended by SIGKILL. */
const KILLED = 137
/** An engine that does not answer to `kill` in this time is itself ended. */
const KILL_TIMEOUT_MS = 5000
