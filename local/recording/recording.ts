import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import * as z from 'zod'

/** Names the folder for records of calls; without it nothing is recorded. */
export const RECORD_CALLS = 'RECORD_CALLS'

/** First line of a file: which process the lines below are from. */
export const recordHeadSchema = z.object({
  /** Physical name; absent for a process that is no function, whose calls by presigned URLs alone are recorded. */
  functionName: z.string().exactOptional(),
  /** The function's variables, which hold the names of what it works on. */
  variables: z.record(z.string(), z.string()),
})
export type RecordHead = z.infer<typeof recordHeadSchema>

const neededSchema = z.object({
  action: z.string(),
  resource: z.string(),
  context: z.record(z.string(), z.string()).exactOptional(),
})

/** All that one process needed. */
export interface Recording extends RecordHead {
  readonly needed: readonly z.infer<typeof neededSchema>[]
}

/** Options that make a Node process record its calls, where RECORD_CALLS asks for it. */
export function recordingOptions(environment: NodeJS.ProcessEnv = process.env): readonly string[] {
  const directory = environment[RECORD_CALLS]
  if (!directory) return []
  const preload = pathToFileURL(join(import.meta.dirname, 'preload.ts'))
  // In the address, because it must reach processes whose environment is not ours to fill.
  preload.searchParams.set('to', resolve(directory))
  return [`--import=${preload}`]
}

/**
 * Everything that was recorded into a folder.
 * @throws Error when there is no such folder.
 */
export function readRecordings(directory: string): readonly Recording[] {
  return readdirSync(directory).map((name) => {
    const [head = '', ...lines] = readFileSync(join(directory, name), 'utf8').trimEnd().split('\n')
    const needed = lines.map((line) => neededSchema.parse(JSON.parse(line)))
    return { ...recordHeadSchema.parse(JSON.parse(head)), needed }
  })
}
