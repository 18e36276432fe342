import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as z from 'zod'

/** Variable with the folder of recorded calls; if unset, nothing is recorded. */
export const RECORD_CALLS = 'RECORD_CALLS'

/** First line of a file: the process of the following lines. */
export const recordHeadSchema = z.object({
  /** Physical name of the function. Absent for other processes, of which only calls by presigned URLs are recorded. */
  functionName: z.string().exactOptional(),
  /** The function's variables with the names of its resources. */
  variables: z.record(z.string(), z.string()),
})
export type RecordHead = z.infer<typeof recordHeadSchema>

const neededSchema = z.object({
  action: z.string(),
  resource: z.string(),
  context: z.record(z.string(), z.string()).exactOptional(),
})

/** All recorded permissions of one process. */
export interface Recording extends RecordHead {
  readonly needed: readonly z.infer<typeof neededSchema>[]
}

/** Node options that record the calls of a process, if RECORD_CALLS is set. */
export function recordingOptions(): readonly string[] {
  const directory = process.env[RECORD_CALLS]
  if (!directory) return []
  const preload = pathToFileURL(join(import.meta.dirname, 'preload.ts'))
  // In the URL, because it must reach processes whose environment is set by others.
  preload.searchParams.set('to', resolve(directory))
  return [`--import=${preload}`]
}

/**
 * Reads all records of a folder.
 * @throws Error when the folder does not exist
 */
export function readRecordings(directory: string): readonly Recording[] {
  return readdirSync(directory).map((name) => {
    const [head = '', ...lines] = readFileSync(join(directory, name), 'utf8').trimEnd().split('\n')
    const needed = lines.map((line) => neededSchema.parse(JSON.parse(line)))
    return { ...recordHeadSchema.parse(JSON.parse(head)), needed }
  })
}
