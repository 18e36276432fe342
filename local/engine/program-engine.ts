import { availableParallelism } from 'node:os'
import { createImageCache } from '../batch/images.ts'
import { runInEngine } from '../batch/run-container.ts'
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
  return {
    kind: program.kind,
    images: createImageCache(program, options.listFile),
    run: (run) => runInEngine(program, availableParallelism(), run, options.afterwards),
    async listContainers() {
      const names = await callEngine(program, 'ps', '--all', '--format={{.Names}}', `--filter=label=${label}`)
      return names.split('\n').filter(Boolean)
    },
    removeStaleContainers: () => removeLabelled(program, label),
  }
}
