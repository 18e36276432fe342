import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { OutputEntry } from '../src/domain/staging.ts'
import type { StagingApi } from './api-client.ts'
import { forEachInParallel, uploadFile, uploadFolder, uploadText } from './transfer.ts'

/** More entries than any task declares outputs: a task that floods its folder gets a clear end. */
const MAX_ENTRIES = 10_000

/**
 * Hands over what the task left: first the listing goes to the API, which answers with URLs for the declared outputs, then
 * the files go up, last the listing itself, whose presence says that everything before arrived.
 */
export async function stageOut(api: StagingApi, outputFolder: string, jobAttempt: number): Promise<void> {
  const entries = await listOutputs(outputFolder)
  const { uploads, listingUrl } = await api.outputs(jobAttempt, entries)
  const byName = new Map(entries.map((entry) => [entry.name, entry]))
  await forEachInParallel(uploads, async ({ name, url }) => {
    const entry = byName.get(name)
    if (entry === undefined) throw new Error(`there is no output ${name}`)
    const path = join(outputFolder, name)
    if (entry.kind === 'directory') await uploadFolder(path, name, url)
    else await uploadFile(path, entry.sizeBytes, url)
  })
  await uploadText(JSON.stringify({ entries }), listingUrl)
  console.log(`${uploads.length} output file(s) handed over`)
}

/** The folder's top level. A link is what it points at, unless it leaves the folder: then it counts as nothing. */
export async function listOutputs(folder: string): Promise<OutputEntry[]> {
  const names = await readdir(folder)
  if (names.length > MAX_ENTRIES) {
    throw new Error(`the output folder has ${names.length} entries; at most ${MAX_ENTRIES} are taken`)
  }
  const root = await realpath(folder)
  return Promise.all(names.sort().map((name) => describeEntry(root, name)))
}

async function describeEntry(root: string, name: string): Promise<OutputEntry> {
  const nothing: OutputEntry = { name, kind: 'other', sizeBytes: 0 }
  const path = join(root, name)
  let info = await lstat(path)
  if (info.isSymbolicLink()) {
    try {
      const target = await realpath(path)
      if (!target.startsWith(root + sep)) return nothing
      info = await stat(target)
    } catch {
      // Points at nothing, or in a circle.
      return nothing
    }
  }
  if (info.isDirectory()) return { name, kind: 'directory', sizeBytes: 0 }
  return info.isFile() ? { name, kind: 'file', sizeBytes: info.size } : nothing
}
