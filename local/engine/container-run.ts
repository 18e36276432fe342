import type { ContainerTask } from '../batch/container-arguments.ts'
import type { ImageCache } from '../batch/images.ts'
import type { ContainerEnd } from '../batch/job.ts'
import type { LogStream } from '../batch/log-stream.ts'
import type { EngineProgram } from '../container-engine.ts'

/** Options of a container's run. */
export interface RunOptions {
  readonly task: ContainerTask
  readonly logs: LogStream | undefined
  /** Aborting it ends the container. */
  readonly signal: AbortSignal
  readonly onStarted: () => void
}

/** Result of a container. The reason is worded as by ECS. */
export type RunEnd = Omit<ContainerEnd, 'name'>

/** Container engine of this machine. */
export interface ContainerEngine {
  readonly kind: EngineProgram['kind'] | 'embedded'
  readonly images: ImageCache
  /** Runs one container to its end. Its image must be available. */
  run(options: RunOptions): Promise<RunEnd>
  /** Names of this instance's containers, including ended ones that are not removed yet. */
  listContainers(): Promise<readonly string[]>
  /** Kills and removes containers of an earlier server process of this instance. */
  removeStaleContainers(): Promise<void>
}
