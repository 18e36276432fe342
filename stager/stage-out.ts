import { createReadStream } from 'node:fs'
import { opendir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { isParameterName, LISTING_NAME, type OutputEntry, type StagedOutputs } from '../src/domain/staging.ts'
import type { StagingApi } from './api-client.ts'
import { forEachInParallel } from './in-parallel.ts'
import { createBudget } from './limits.ts'
import { createLinks } from './link.ts'
import { createFollow, type Follow, type Target } from './links.ts'
import { packFolder } from './pack-folder.ts'
import { FinalError } from './retry.ts'
import { TRANSFER_SETTINGS, type TransferSettings } from './settings.ts'
import { type Content, upload, uploadInParts } from './upload.ts'

/** More entries than any task declares outputs: a task that floods its folder gets a clear end. */
const MAX_ENTRIES = 10_000

/** Where a task left its outputs. */
export interface OutputFolder {
  /** For the stager. */
  readonly folder: string
  /** For the task: what its absolute links begin with. */
  readonly taskFolder: string
}

/**
 * Hands over what the task left: first the listing goes to the API, which answers with URLs for the declared outputs, then
 * the files go up, last the listing itself, whose presence says that everything before arrived.
 * @returns how many outputs were handed over
 */
export async function stageOut(
  api: Omit<StagingApi, 'inputs' | 'report'>,
  outputs: OutputFolder,
  jobAttempt: number,
  settings: TransferSettings = TRANSFER_SETTINGS,
): Promise<number> {
  const root = await realpath(outputs.folder)
  const follow = createFollow(root, outputs.taskFolder)
  const pathOf = (name: string): string => follow(join(root, name))?.path ?? join(root, name)
  const entries = await listOutputs(root, follow)
  const byName = new Map(entries.map((entry) => [entry.name, entry]))
  const staged = await api.outputs(jobAttempt, entries)
  const linkOf = createLinks(async () => urlsOf(await api.outputs(jobAttempt, entries)), urlsOf(staged))
  const budget = createBudget()
  const found = staged.uploads.map(({ name }) => {
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
    const path = pathOf(name)
    const file = fileContent(path, 0, sizeBytes)
    return send(name, file, () => partsOfFile(path, sizeBytes, settings.partBytes))
  }
  const sendFolder = ({ name }: OutputEntry): Promise<void> => {
    const packed = packFolder(pathOf(name), name, budget, follow)
    return send(name, packed, () => partsOfStream(packed.open(), settings.partBytes))
  }

  const isSmall = ({ kind, sizeBytes }: OutputEntry) => kind === 'file' && sizeBytes < settings.partsFromBytes
  await forEachInParallel(found.filter(isSmall), settings.atOnce, sendFile)
  // One after the other, since each has as many parts under way, and a folder's list of files takes memory.
  for (const entry of found.filter((output) => !isSmall(output))) {
    await (entry.kind === 'directory' ? sendFolder(entry) : sendFile(entry))
  }
  await upload('the listing', textContent(JSON.stringify({ entries })), linkOf(LISTING_NAME), settings)
  return found.length
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
 * @param folder free of links
 * @throws FinalError when there are too many
 */
export async function listOutputs(folder: string, follow: Follow): Promise<OutputEntry[]> {
  const names: string[] = []
  for await (const { name } of await opendir(folder)) {
    if (!isParameterName(name)) continue
    names.push(name)
    if (names.length > MAX_ENTRIES) {
      throw new FinalError(`the output folder has more than ${MAX_ENTRIES} entries that could be outputs`)
    }
  }
  return names.sort().map((name) => describeEntry(name, follow(join(folder, name))?.info))
}

function describeEntry(name: string, info: Target['info'] | undefined): OutputEntry {
  if (info?.isDirectory() === true) return { name, kind: 'directory', sizeBytes: 0 }
  return info?.isFile() === true
    ? { name, kind: 'file', sizeBytes: info.size }
    : { name, kind: 'other', sizeBytes: 0 }
}
