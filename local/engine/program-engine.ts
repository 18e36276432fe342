import { availableParallelism } from 'node:os'
import { createImageCache } from '../batch/images.ts'
import { CANNOT_START, runInEngine } from '../batch/run-container.ts'
import { callEngine, type EngineProgram, LABELS, removeLabelled } from '../container-engine.ts'
import type { ContainerEngine } from './container-run.ts'

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
      const end = await runInEngine(program, availableParallelism(), run, options.afterwards)
      // A user or another stack may have removed the image: the next job must not fail too.
      if (end.reason?.startsWith(CANNOT_START) === true) images.forget(run.task.container.image)
      return end
    },
    async listContainers() {
      const names = await callEngine(program, 'ps', '--all', '--format={{.Names}}', `--filter=label=${label}`)
      return names.split('\n').filter(Boolean)
    },
    removeStaleContainers: () => removeLabelled(program, label),
  }
}
