import type { ContainerTask } from '../batch/container-arguments.ts'
import type { ImageCache } from '../batch/images.ts'
import type { ContainerEnd } from '../batch/job.ts'
import type { LogStream } from '../batch/log-stream.ts'
import type { EngineProgram } from '../container-engine.ts'

/** How a container is run and followed. */
export interface RunOptions {
  readonly task: ContainerTask
  readonly logs: LogStream | undefined
  /** Ends the container. */
  readonly signal: AbortSignal
  readonly onStarted: () => void
}

/** How a container ended. The reason is worded as by ECS. */
export type RunEnd = Omit<ContainerEnd, 'name'>

/** What runs containers on this machine. */
export interface ContainerEngine {
  readonly kind: EngineProgram['kind'] | 'embedded'
  readonly images: ImageCache
  /** Runs one container to its end. Its image was ensured before. */
  run(options: RunOptions): Promise<RunEnd>
  /** Names of this instance's containers, ended ones that are not removed yet included. */
  listContainers(): Promise<readonly string[]>
  /** Kills and removes what an earlier server of this instance left behind. */
  removeStaleContainers(): Promise<void>
}
