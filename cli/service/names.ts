import { isNamespace, isSemver } from '../../src/contract/names.ts'
import { isUuid } from '../../src/contract/uuid.ts'
import { usageError } from '../terminal/command-error.ts'

/** Namespace and version of a task. */
export interface TaskReference {
  readonly namespace: string
  readonly version: string
}

/** `namespace/version`; undefined for anything else. */
export function parseTaskReference(text: string): TaskReference | undefined {
  const slash = text.lastIndexOf('/')
  const [namespace, version] = [text.slice(0, slash), text.slice(slash + 1)]
  return slash > 0 && isNamespace(namespace) && isSemver(version) ? { namespace, version } : undefined
}

/** @throws CommandError */
export function requireTaskReference(text: string): TaskReference {
  const reference = parseTaskReference(text)
  if (reference !== undefined) return reference
  throw usageError(
    `"${text}" is not the name of a task; expected NAMESPACE/VERSION such as com.example.count/1.0.0`,
  )
}

/** Whether a text may be the id of a run, in lower or upper case. */
export function isRunId(text: string): boolean {
  return isUuid(text.toLowerCase())
}

/** @throws CommandError */
export function requireRunId(text: string): string {
  if (isRunId(text)) return text
  throw usageError(`"${text}" is not the id of a run; "cytomine-task runs" lists them`)
}
