import { availableParallelism } from 'node:os'
import { createImageCache } from '../batch/images.ts'
import { CANNOT_START, runInEngine } from '../batch/run-container.ts'
import { callEngine, type EngineProgram, LABELS, removeLabelled } from '../container-engine.ts'
import type { ContainerEngine, RunEnd, RunOptions } from './container-run.ts'

/** Words of podman and docker when a container's image is not on this machine. */
const IMAGE_MISSING = /image not known|no such image/iu

/** Docker or podman, by its command line. */
export function createProgramEngine(
  program: EngineProgram,
  options: {
    readonly instance: string
    /** File with the pulled images, one reference per line. */
    readonly listFile: string
    readonly afterwards: (work: Promise<unknown>) => void
  },
): ContainerEngine {
  const label = `${LABELS.instance}=${options.instance}`
  const images = createImageCache(program, options.listFile)
  return {
    kind: program.kind,
    images,
    async run(run) {
      let removal: Promise<unknown> = Promise.resolve()
      const runOnce = (one: RunOptions): Promise<RunEnd> =>
        runInEngine(program, availableParallelism(), one, (work) => {
          removal = work
          options.afterwards(work)
        })
      const end = await runOnce(run)
      const restored = isImageMissing(end) ? images.restore(run.task.container.image) : undefined
      if (restored === undefined) return end
      try {
        // The next container has the same name.
        await Promise.all([restored, removal])
      } catch (error) {
        return { reason: (error as Error).message }
      }
      return runOnce({ ...run, onStarted: () => {} })
    },
    async listContainers() {
      const names = await callEngine(program, 'ps', '--all', '--format={{.Names}}', `--filter=label=${label}`)
      return names.split('\n').filter(Boolean)
    },
    removeStaleContainers: () => removeLabelled(program, label),
  }
}

/** Whether the image was removed after its pull, by a user or by another stack that stopped. */
function isImageMissing({ reason = '' }: RunEnd): boolean {
  return reason.startsWith(CANNOT_START) && IMAGE_MISSING.test(reason)
}
