import { path } from '../../../api/paths.ts'
import type { RunValue } from '../../../api/types.ts'
import { curlProgram } from './curl-program.ts'
import { givenBy } from './given.ts'
import { pythonProgram } from './python-program.ts'
import { typescriptProgram } from './typescript-program.ts'

export type Language = 'curl' | 'python' | 'typescript'

export interface Repeated {
  /** Base address of the API. */
  readonly base: string
  readonly runId: string
  readonly task: { readonly namespace: string; readonly version: string }
}

/** Programs that start a run with the same inputs, wait for it and print its outputs. */
export function programsOf(
  { base, runId, task: { namespace, version } }: Repeated,
  inputs: readonly RunValue[],
): Readonly<Record<Language, string>> {
  const about = {
    base,
    task: `tasks/${path(namespace, version)}`,
    run: `task-runs/${path(runId)}`,
    given: givenBy(runId, inputs),
  }
  return { curl: curlProgram(about), python: pythonProgram(about), typescript: typescriptProgram(about) }
}
