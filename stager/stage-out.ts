import { createReadStream } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import pMap from 'p-map'
import {
  KEPT_OF_FAILED_TASK,
  type OutputEntry,
  STAGED_LISTING_NAME,
  type StagedListing,
  type StagedOutputs,
} from '../src/contract/staging.ts'
import type { StagingApi } from './api-client.ts'
import { type Budget, ContentError, createBudget, problemText } from './limits.ts'
import { listFolder } from './list-outputs.ts'
import { packFolder } from './pack-folder.ts'
import { FinalError } from './retry.ts'
import { TRANSFER_SETTINGS, type TransferSettings } from './settings.ts'
import { createLinks, type Link } from './signed-url.ts'
import { createFollow, type Follow } from './symbolic-links.ts'
import { type Content, upload, uploadInParts } from './upload.ts'

/** Output folder of a task. */
export interface OutputFolder {
  /** Path in the stager's container. */
  readonly folder: string
  /** Path in the task's container, with which its absolute links start. */
  readonly taskFolder: string
}

type Kept = Readonly<Record<keyof typeof KEPT_OF_FAILED_TASK, number>>

export interface TaskEnd {
  readonly jobAttempt: number
  /**
   * Exit code of the task's container. Undefined when it is not known: the outputs are uploaded, and the engine uses
   * the one that Batch reports.
   */
  readonly exitCode?: number | undefined
  /** Limits for the outputs that are uploaded of a failed task; tests pass smaller ones. */
  readonly kept?: Kept
}

type OutputsApi = Omit<StagingApi, 'inputs' | 'report'>

/**
 * Uploads a task's outputs: the listing goes to the API, which returns URLs for the declared outputs; then the files
 * are uploaded, and finally the listing, whose presence marks a complete upload. An output that is invalid because of
 * the task is listed with its problem: it fails the run, not the stager. An output that exceeds the limits for a task
 * that failed is listed likewise.
 * @returns number of uploaded outputs
 */
export async function stageOut(
  api: OutputsApi,
  outputs: OutputFolder,
  { jobAttempt, exitCode, kept = KEPT_OF_FAILED_TASK }: TaskEnd,
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
  const bounds = exitCode === undefined || exitCode === 0 ? { budget: createBudget() } : boundsOf(kept)
  const problems = await sendOutputs({ api, root, follow, jobAttempt, linkOf, settings, ...bounds }, declared)
  const complete: StagedListing = {
    ...listing,
    ...(exitCode === undefined ? {} : { taskExitCode: exitCode }),
    entries: entries.map((entry) => ({ ...entry, ...problems.get(entry.name) })),
  }
  await upload('the listing', textContent(JSON.stringify(complete)), linkOf(STAGED_LISTING_NAME), settings)
  return declared.length - problems.size
}

interface Bounds {
  readonly budget: Budget
  /** Aborted when no more outputs are sent. */
  readonly deadline?: AbortSignal
}

function boundsOf({ bytes, files, seconds }: Kept): Bounds {
  return {
    budget: createBudget({ bytes, files }, 'a task that failed'),
    deadline: AbortSignal.timeout(seconds * 1000),
  }
}

interface Sending extends Bounds {
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
  const sendOne = async (entry: OutputEntry): Promise<void> => {
    if (entry.problem !== undefined) return
    try {
      await inTime(sending, () =>
        entry.kind === 'directory' ? sendFolder(sending, entry) : sendFile(sending, entry),
      )
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

/**
 * Waits for a transfer until the deadline. An unfinished one continues until the process exits; parts that were sent
 * are removed by the bucket's rule for incomplete uploads.
 * @throws ContentError after the deadline
 */
async function inTime({ deadline }: Bounds, transfer: () => Promise<void>): Promise<void> {
  if (deadline === undefined) return transfer()
  const { promise, reject } = Promise.withResolvers<never>()
  const refuse = (): void =>
    reject(
      new ContentError('it is not kept, because the time for the outputs of a task that failed was over'),
    )
  deadline.addEventListener('abort', refuse, { once: true })
  try {
    if (deadline.aborted) refuse()
    await Promise.race([promise, ...(deadline.aborted ? [] : [transfer()])])
  } finally {
    deadline.removeEventListener('abort', refuse)
  }
}

async function sendFile(sending: Sending, { name, sizeBytes }: OutputEntry): Promise<void> {
  sending.budget.atomically(() => sending.budget.take({ bytes: sizeBytes }))
  const path = pathOf(sending, name)
  await send(sending, name, fileContent(path, 0, sizeBytes), () =>
    partsOfFile(path, sizeBytes, sending.settings.partBytes),
  )
}

async function sendFolder(sending: Sending, { name }: OutputEntry): Promise<void> {
  const { budget, follow } = sending
  const packed = budget.atomically(() => packFolder(pathOf(sending, name), name, budget, follow))
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
