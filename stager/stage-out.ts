import { createReadStream } from 'node:fs'
import { lstat, opendir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { isParameterName, LISTING_NAME, type OutputEntry, type StagedOutputs } from '../src/domain/staging.ts'
import type { StagingApi } from './api-client.ts'
import { forEachInParallel } from './in-parallel.ts'
import { createBudget } from './limits.ts'
import { createLinks } from './link.ts'
import { packFolder } from './pack-folder.ts'
import { FinalError } from './retry.ts'
import { TRANSFER_SETTINGS, type TransferSettings } from './settings.ts'
import { type Content, upload, uploadInParts } from './upload.ts'

/** More entries than any task declares outputs: a task that floods its folder gets a clear end. */
const MAX_ENTRIES = 10_000

/**
 * Hands over what the task left: first the listing goes to the API, which answers with URLs for the declared outputs, then
 * the files go up, last the listing itself, whose presence says that everything before arrived.
 * @returns how many outputs were handed over
 */
export async function stageOut(
  api: Omit<StagingApi, 'inputs' | 'report'>,
  outputFolder: string,
  jobAttempt: number,
  settings: TransferSettings = TRANSFER_SETTINGS,
): Promise<number> {
  const entries = await listOutputs(outputFolder)
  const byName = new Map(entries.map((entry) => [entry.name, entry]))
  const staged = await api.outputs(jobAttempt, entries)
  const linkOf = createLinks(async () => urlsOf(await api.outputs(jobAttempt, entries)), urlsOf(staged))
  const budget = createBudget()
  const outputs = staged.uploads.map(({ name }) => {
    const entry = byName.get(name)
    if (entry === undefined) throw new FinalError(`there is no output ${name}`)
    budget.take(name, { bytes: entry.sizeBytes })
    return entry
  })

  const send = async (name: string, content: Content, parts: () => Parts): Promise<void> => {
    const { sizeBytes } = content
    if (sizeBytes < settings.partsFromBytes) return upload(name, content, linkOf(name), settings)
    await uploadInParts(api, { jobAttempt, name, sizeBytes }, parts(), settings)
  }
  const sendFile = ({ name, sizeBytes }: OutputEntry): Promise<void> => {
    const file = fileContent(join(outputFolder, name), 0, sizeBytes)
    return send(name, file, () => partsOfFile(join(outputFolder, name), sizeBytes, settings.partBytes))
  }
  const sendFolder = ({ name }: OutputEntry): Promise<void> => {
    const packed = packFolder(join(outputFolder, name), name, budget)
    return send(name, packed, () => partsOfStream(packed.open(), settings.partBytes))
  }

  const isSmall = ({ kind, sizeBytes }: OutputEntry) => kind === 'file' && sizeBytes < settings.partsFromBytes
  await forEachInParallel(outputs.filter(isSmall), settings.atOnce, sendFile)
  // One after the other, since each has as many parts under way, and a folder's list of files takes memory.
  for (const entry of outputs.filter((output) => !isSmall(output))) {
    await (entry.kind === 'directory' ? sendFolder(entry) : sendFile(entry))
  }
  await upload('the listing', textContent(JSON.stringify({ entries })), linkOf(LISTING_NAME), settings)
  return outputs.length
}

type Parts = Iterable<Content> | AsyncIterable<Content>

/** An output's name has no dot, so the listing's is free. */
function urlsOf({ uploads, listingUrl }: StagedOutputs): ReadonlyMap<string, string> {
  return new Map([...uploads.map(({ name, url }) => [name, url] as const), [LISTING_NAME, listingUrl]])
}

function textContent(text: string): Content {
  const bytes = Buffer.from(text)
  return { sizeBytes: bytes.length, open: () => [bytes] }
}

function fileContent(path: string, start: number, sizeBytes: number): Content {
  // Both ends of a range are counted in, so that it cannot say "nothing".
  if (sizeBytes === 0) return textContent('')
  return { sizeBytes, open: () => createReadStream(path, { start, end: start + sizeBytes - 1 }) }
}

function* partsOfFile(
  path: string,
  sizeBytes: number,
  partBytes: number,
): Generator<Content, void, undefined> {
  for (let start = 0; start < sizeBytes; start += partBytes) {
    yield fileContent(path, start, Math.min(partBytes, sizeBytes - start))
  }
}

/** Parts in memory, as a packed folder cannot be read from any place; their buffers are used again. */
async function* partsOfStream(
  bytes: AsyncIterable<Uint8Array>,
  partBytes: number,
): AsyncGenerator<Content, void, undefined> {
  const free: Buffer<ArrayBuffer>[] = []
  let buffer = Buffer.allocUnsafe(partBytes)
  let length = 0
  const take = (): Content => {
    const used = buffer
    const part = used.subarray(0, length)
    buffer = free.pop() ?? Buffer.allocUnsafe(partBytes)
    length = 0
    return { sizeBytes: part.length, open: () => [part], release: () => void free.push(used) }
  }
  for await (const chunk of bytes) {
    for (let taken = 0; taken < chunk.length; ) {
      const copied = Math.min(partBytes - length, chunk.length - taken)
      buffer.set(chunk.subarray(taken, taken + copied), length)
      taken += copied
      length += copied
      if (length === partBytes) yield take()
    }
  }
  if (length > 0) yield take()
}

/**
 * The folder's top level, of names that an output can have; others are the task's own (parameter-io 1.1). A link is what it
 * points at, unless it leaves the folder: then it counts as nothing.
 * @throws FinalError when there are too many
 */
export async function listOutputs(folder: string): Promise<OutputEntry[]> {
  const names: string[] = []
  for await (const { name } of await opendir(folder)) {
    if (!isParameterName(name)) continue
    names.push(name)
    if (names.length > MAX_ENTRIES) {
      throw new FinalError(`the output folder has more than ${MAX_ENTRIES} entries that could be outputs`)
    }
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
