import { accessSync, constants, createReadStream } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import pMap from 'p-map'
import { isParameterName } from '../src/contract/names.ts'
import { cutText } from '../src/contract/quoted.ts'
import {
  MAX_PROBLEM_LENGTH,
  type OutputEntry,
  STAGED_LISTING_NAME,
  type StagedListing,
  type StagedOutputs,
} from '../src/contract/staging.ts'
import type { StagingApi } from './api-client.ts'
import { type Budget, ContentError, createBudget } from './limits.ts'
import { createLinks, type Link } from './link.ts'
import { createFollow, type Follow, type Target } from './links.ts'
import { packFolder, readable } from './pack-folder.ts'
import { readFolder } from './read-folder.ts'
import { FinalError } from './retry.ts'
import { TRANSFER_SETTINGS, type TransferSettings } from './settings.ts'
import { type Content, upload, uploadInParts } from './upload.ts'

/** More entries than the outputs that any task declares. */
const MAX_ENTRIES = 10_000

/** Output folder of a task. */
export interface OutputFolder {
  /** Path in the stager's container. */
  readonly folder: string
  /** Path in the task's container, with which its absolute links start. */
  readonly taskFolder: string
}

type OutputsApi = Omit<StagingApi, 'inputs' | 'report'>

/**
 * Uploads a task's outputs: the listing goes to the API, which returns URLs for the declared outputs; then the files are uploaded, and at
 * last the listing, whose presence marks a complete upload. An output that is invalid because of the task is listed with its problem: it
 * fails the run, not the stager.
 * @returns number of uploaded outputs
 */
export async function stageOut(
  api: OutputsApi,
  outputs: OutputFolder,
  jobAttempt: number,
  settings: TransferSettings = TRANSFER_SETTINGS,
): Promise<number> {
  const root = await realpath(outputs.folder)
  const follow = createFollow(root, outputs.taskFolder)
  const listing = listFolder(root, follow)
  const { entries } = listing
  const byName = new Map(entries.map((entry) => [entry.name, entry]))
  const staged = await api.outputs(jobAttempt, entries)
  const linkOf = createLinks(async () => urlsOf(await api.outputs(jobAttempt, entries)), urlsOf(staged))
  const declared = staged.uploads.map(({ name }) => {
    const entry = byName.get(name)
    if (entry === undefined) throw new FinalError(`there is no output ${name}`)
    return entry
  })
  const problems = await sendOutputs({ api, root, follow, jobAttempt, linkOf, settings }, declared)
  const told: StagedListing = {
    ...listing,
    entries: entries.map((entry) => ({ ...entry, ...problems.get(entry.name) })),
  }
  await upload('the listing', textContent(JSON.stringify(told)), linkOf(STAGED_LISTING_NAME), settings)
  return declared.length - problems.size
}

/** The listing is empty if the folder exceeds the limits or is not readable. */
export function listFolder(root: string, follow: Follow): StagedListing {
  try {
    return listOutputs(root, follow)
  } catch (error) {
    if (error instanceof ContentError) return { entries: [], problem: problemText(error) }
    throw error
  }
}

interface Sending {
  readonly api: OutputsApi
  /** Output folder without links. */
  readonly root: string
  readonly follow: Follow
  readonly jobAttempt: number
  readonly linkOf: (name: string) => Link
  readonly settings: TransferSettings
}

type Problems = Map<string, { readonly problem: string }>

/** @returns problems of the outputs that were not uploaded */
async function sendOutputs(sending: Sending, outputs: readonly OutputEntry[]): Promise<Problems> {
  const { settings } = sending
  const problems: Problems = new Map()
  const budget = createBudget()
  const sendOne = async (entry: OutputEntry): Promise<void> => {
    if (entry.problem !== undefined) return
    try {
      if (entry.kind === 'directory') await sendFolder(sending, entry, budget)
      else await sendFile(sending, entry, budget)
    } catch (error) {
      if (!(error instanceof ContentError)) throw error
      problems.set(entry.name, { problem: problemText(error) })
    }
  }
  const isSmall = ({ kind, sizeBytes }: OutputEntry) => kind === 'file' && sizeBytes < settings.partsFromBytes
  await pMap(outputs.filter(isSmall), sendOne, { concurrency: settings.atOnce })
  // In sequence, since each has parallel parts, and a folder's list of files takes memory.
  for (const entry of outputs.filter((output) => !isSmall(output))) await sendOne(entry)
  return problems
}

function problemText({ message }: ContentError): string {
  return cutText(message, MAX_PROBLEM_LENGTH - 1)
}

async function sendFile(sending: Sending, entry: OutputEntry, budget: Budget): Promise<void> {
  const { name, sizeBytes } = entry
  budget.take({ bytes: sizeBytes })
  const path = pathOf(sending, name)
  await send(sending, name, fileContent(path, 0, sizeBytes), () =>
    partsOfFile(path, sizeBytes, sending.settings.partBytes),
  )
}

async function sendFolder(sending: Sending, { name }: OutputEntry, budget: Budget): Promise<void> {
  const packed = packFolder(pathOf(sending, name), name, budget, sending.follow)
  await send(sending, name, packed, () => partsOfStream(packed.open(), sending.settings.partBytes))
}

function pathOf({ root, follow }: Sending, name: string): string {
  const path = join(root, name)
  return follow(path)?.path ?? path
}

async function send(
  { api, jobAttempt, linkOf, settings }: Sending,
  name: string,
  content: Content,
  parts: () => Parts,
): Promise<void> {
  const { sizeBytes } = content
  if (sizeBytes < settings.partsFromBytes) return upload(name, content, linkOf(name), settings)
  await uploadInParts(api, { jobAttempt, name, sizeBytes }, parts(), settings)
}

type Parts = Iterable<Content> | AsyncIterable<Content>

/** URLs of the outputs and the listing. An output's name has no dot, so the names differ. */
function urlsOf({ uploads, listingUrl }: StagedOutputs): ReadonlyMap<string, string> {
  return new Map([...uploads.map(({ name, url }) => [name, url] as const), [STAGED_LISTING_NAME, listingUrl]])
}

function textContent(text: string): Content {
  const bytes = Buffer.from(text)
  return { sizeBytes: bytes.length, open: () => [bytes] }
}

function fileContent(path: string, start: number, sizeBytes: number): Content {
  // A range includes both ends, so an empty one cannot be expressed.
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

/** Buffers parts, because a packed folder has no random access; buffers are reused. */
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

/** Maximum number of other names in the listing; they show what was written in place of an output. */
const MAX_OTHERS = 20
const MAX_OTHER_LENGTH = 100

/**
 * Top level of the folder: entries whose names can be outputs; other files are the task's own (parameter-io 1.1). Links are resolved; a
 * link that leaves the folder counts as missing.
 * @param folder without links
 * @returns the entries, and some of the other names
 * @throws ContentError when there are too many, or the folder cannot be read
 */
export function listOutputs(
  folder: string,
  follow: Follow,
): Required<Pick<StagedListing, 'entries' | 'others'>> {
  const names: string[] = []
  const others: string[] = []
  for (const entry of readable('the output folder', () => readFolder(folder))) {
    const name = entry.name.toString()
    if (!isParameterName(name)) {
      if (others.length < MAX_OTHERS) others.push(cutText(name, MAX_OTHER_LENGTH))
      continue
    }
    names.push(name)
    if (names.length > MAX_ENTRIES) {
      throw new ContentError(
        `the output folder has more than ${MAX_ENTRIES} entries that could be outputs; write files that belong together into one folder`,
      )
    }
  }
  const entries = names.sort().map((name) => describeEntry(name, follow(join(folder, name))))
  return { entries, others: others.sort() }
}

function describeEntry(name: string, target: Target | undefined): OutputEntry {
  const nothing = (problem: string): OutputEntry => ({ name, kind: 'other', sizeBytes: 0, problem })
  if (target === undefined)
    return nothing('it is a link that leaves the output folder, or its target does not exist')
  const { info, path } = target
  if (info.isDirectory()) return { name, kind: 'directory', sizeBytes: 0 }
  if (!info.isFile()) return nothing(`it is a ${specialKind(info)}, not a file`)
  const file: OutputEntry = { name, kind: 'file', sizeBytes: info.size }
  try {
    readable(name, () => accessSync(path, constants.R_OK))
    return file
  } catch (error) {
    if (error instanceof ContentError) return { ...file, problem: problemText(error) }
    throw error
  }
}

function specialKind(info: Target['info']): string {
  if (info.isFIFO()) return 'named pipe'
  return info.isSocket() ? 'socket' : 'device'
}
