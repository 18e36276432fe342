import { readFile, rm, writeFile } from 'node:fs/promises'
import * as z from 'zod'

const notesSchema = z.object({
  uploadId: z.string(),
  /** Base URL of the service with the upload. */
  url: z.string(),
  /** Size and modification time of the file, to detect changes. */
  sizeBytes: z.number(),
  modifiedMs: z.number(),
})

/** State of an unfinished upload, stored in a file beside the bundle. */
export type UploadNotes = z.infer<typeof notesSchema>

function notesFile(bundle: string): string {
  return `${bundle}.upload.json`
}

/** @returns undefined when there are no notes, or they are malformed */
export async function readNotes(bundle: string): Promise<UploadNotes | undefined> {
  try {
    return notesSchema.parse(JSON.parse(await readFile(notesFile(bundle), 'utf8')))
  } catch {
    return undefined
  }
}

export async function writeNotes(bundle: string, notes: UploadNotes): Promise<void> {
  await writeFile(notesFile(bundle), `${JSON.stringify(notes, undefined, 2)}\n`)
}

export async function removeNotes(bundle: string): Promise<void> {
  await rm(notesFile(bundle), { force: true })
}
