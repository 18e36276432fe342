import { PassThrough } from 'node:stream'
import { runStager } from '../../stager/run.ts'
import { whenAborted } from '../child.ts'
import type { RunEnd, RunOptions } from '../engine/container-run.ts'
import { environmentOf, processArguments } from './container-arguments.ts'
import { drain, KILLED_EXIT_CODE } from './run-container.ts'

/**
 * Runs the stager in this process, for load tests: the start of two programs takes half the processor time of a small job. An abort
 * ends the job at once, but not the stager's transfers in progress, since nothing can end them in a shared process.
 */
export async function runStagerHere({ task, logs, signal, onStarted }: RunOptions): Promise<RunEnd> {
  const output = new PassThrough()
  const logged = drain(output, logs)
  const print = (line: string): void => {
    if (output.writable) output.write(`${line}\n`)
  }
  const context = { environment: environmentOf(task), console: { log: print, error: print } }
  onStarted()
  const killed = whenAborted(signal).then(() => KILLED_EXIT_CODE)
  const exitCode = await Promise.race([runStager(processArguments(task), context), killed])
  output.end()
  await logged
  return { exitCode }
}
