import type { ObjectStore } from '../aws/object-store.ts'
import { cutText, MAX_NAMES, quoted, someOf } from '../contract/quoted.ts'
import {
  type OutputEntry,
  STAGED_LISTING_NAME,
  type StagedListing,
  stagedListingSchema,
} from '../contract/staging.ts'
import { readAll } from '../shared/read-all.ts'
import type { Task, TaskOutput } from '../task/task.ts'

/** Files that a task left in its output folder. */
export interface Left {
  /** By name. */
  readonly entries: ReadonlyMap<string, OutputEntry>
  /** Some of the names that no output can have. */
  readonly others: readonly string[]
}

/** Maximum length of a name in a message, in UTF-16 units. */
const MAX_NAME_LENGTH = 60

/** The first names in the output folder that no output has. */
function undeclaredNames(task: Task, { entries, others }: Left, maxCount: number): readonly string[] {
  const declared = new Set(task.outputs.map((output) => output.name))
  return [...entries.keys(), ...others].filter((one) => !declared.has(one)).slice(0, maxCount)
}

/** Names of files that no output has, shortened, to be recorded in a run that becomes FINISHED. */
export function ignoredNames(task: Task, left: Left): readonly string[] {
  return undeclaredNames(task, left, MAX_NAMES).map((name) => cutText(name, MAX_NAME_LENGTH))
}

/** Explains a missing output; files of other outputs are not named. */
export function missingWords(task: Task, { name }: TaskOutput, left: Left): string {
  const found = left.entries.get(name)
  if (found !== undefined) {
    if (found.kind !== 'other') return 'its file has not arrived; start another run'
    return (
      found.problem ?? 'it is a link that leaves the output folder, or not a regular file; expected a file'
    )
  }
  const shown = undeclaredNames(task, left, MAX_NAMES + 1).map((one) => quoted(one, MAX_NAME_LENGTH))
  const instead = shown.length === 0 ? 'nothing else was found' : `found instead: ${someOf(shown, MAX_NAMES)}`
  return `the task has not written it; expected ${quoted(name)} in the output folder, without extension; ${instead}`
}

/** Files that the stager found in the output folder of an attempt; undefined when it uploaded no listing. */
export async function readStagedListing(
  { objects }: { readonly objects: Pick<ObjectStore, 'read'> },
  prefix: string,
): Promise<StagedListing | undefined> {
  const body = await objects.read(`${prefix}${STAGED_LISTING_NAME}`)
  if (body === undefined) return undefined
  return stagedListingSchema.parse(JSON.parse((await readAll(body)).toString('utf8')))
}
