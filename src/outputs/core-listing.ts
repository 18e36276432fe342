import { Readable } from 'node:stream'
import { openObject } from '../aws/object-source.ts'
import type { ObjectStore } from '../aws/object-store.ts'
import type { StoredFile } from '../inputs/array-inputs.ts'
import { findPrepared, preparedOutputKey, type StoredObject, storePrepared } from '../inputs/prepared-file.ts'
import type { Run } from '../run/run.ts'
import type { RunRepository } from '../run/run-repository.ts'
import { readAll } from '../shared/read-all.ts'
import { codecOf } from '../task/parameters/registry.ts'
import { leafOf, type ParameterType, type ParameterTypeId, type Task } from '../task/task.ts'

/*
 * Core reads the outputs of a run twice: as text for the browser, and into its own records. The second reading fails
 * for the whole run when the listing has a value that core has no record for. Core therefore requests a listing without
 * such values.
 */

interface Dependencies {
  readonly objects: ObjectStore
  readonly runs: RunRepository
}

/** Types without a record in core (commit 0165ef76 of cytomine/cytomine): as an output, and as an array item. */
const WITHOUT_RECORD: Partial<Record<ParameterTypeId, { readonly alone: boolean; readonly item: boolean }>> =
  {
    // TaskRunOutputMixin names no such type; CollectionOutputDeserializer ends with "Unknown subtype".
    image: { alone: true, item: true },
    file: { alone: true, item: true },
    // There is an EnumerationOutput, but the deserializer of collections does not create one.
    enumeration: { alone: false, item: true },
  }

/** IntegerOutput has a Java `Integer`. Array items are truncated to 32 bits without an error. */
const MAX_INTEGER = 2 ** 31 - 1

/** Listings longer than this are stored for later calls. */
const LARGE_LISTING_BYTES = 256 * 1024

const NAME = 'outputs.json'

/**
 * Listing of a FINISHED run without the values that core cannot read: images, files, non-empty arrays of images, files
 * and enumerations, and integers beyond 32 bits.
 * @param listing all outputs, as collect-outputs wrote them to `prefix`
 */
export async function findCoreListing(
  deps: Dependencies,
  { run, task, prefix }: { readonly run: Run; readonly task: Task; readonly prefix: string },
  listing: StoredObject,
): Promise<StoredFile> {
  const unreadable = await unreadableOutputs(deps, task, prefix)
  if (unreadable.size === 0) return listing
  const isReadable = (head: string): boolean => {
    const [, name = '', value = ''] = ENTRY.exec(head) ?? []
    return !unreadable.has(name) || value.startsWith('[]')
  }
  const readable = async () => readableEntries(await openObject(deps.objects, listing.key), isReadable)
  if (listing.sizeBytes <= LARGE_LISTING_BYTES) {
    return { kind: 'inline', name: NAME, text: (await readAll(await readable())).toString('utf8') }
  }
  const key = preparedOutputKey(run, 'core-outputs.json')
  const place = { key, name: NAME, contentType: 'application/json' }
  return (
    (await findPrepared(deps, place)) ?? storePrepared(deps, run.id, place, Readable.from(await readable()))
  )
}

async function unreadableOutputs(
  { objects }: Dependencies,
  task: Task,
  prefix: string,
): Promise<ReadonlySet<string>> {
  const names = new Set<string>()
  for (const { name, type } of task.outputs) {
    const isUnreadable =
      type.id === 'integer'
        ? isBeyond32Bits(await readInteger(objects, `${prefix}${name}`, type))
        : WITHOUT_RECORD[leafOf(type).id]?.[type.id === 'array' ? 'item' : 'alone']
    if (isUnreadable) names.add(name)
  }
  return names
}

function isBeyond32Bits(value: unknown): boolean {
  return typeof value === 'number' && (value > MAX_INTEGER || value < -MAX_INTEGER - 1)
}

/** Reads an integer output, which was validated when it was collected. */
async function readInteger(objects: ObjectStore, key: string, type: ParameterType): Promise<unknown> {
  const body = await objects.read(key)
  if (body === undefined) return undefined
  return codecOf(type)?.readOutput((await readAll(body)).toString('utf8'), type, key)
}

/** Start of an entry as read-output.ts writes it; names contain no character that JSON escapes. */
const ENTRY = /"parameterName":"([^"]*)","type":"[A-Z]+","value":(.*)/su

/** Length of the part of an entry that decides: enough for its keys and the start of its value. */
const HEAD_BYTES = 4096

const [OPENING, CLOSING, COMMA] = [Buffer.from('['), Buffer.from(']'), Buffer.from(',')]
const [QUOTE, BACKSLASH] = [0x22, 0x5c]

/**
 * Filters a JSON list of objects. Memory: a chunk and the head of an entry.
 * @param isWanted decides by the first 4 KiB of an entry, or all of it
 */
export async function* readableEntries(
  list: AsyncIterable<Uint8Array>,
  isWanted: (head: string) => boolean,
): AsyncGenerator<Buffer, void, undefined> {
  const scan = createScan()
  let head: Buffer[] = []
  let headBytes = 0
  let isKept: boolean | undefined
  let separator = OPENING
  for await (const chunk of list) {
    for (const { piece, isLast } of scan(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))) {
      if (isKept === undefined) {
        head.push(piece)
        headBytes += piece.byteLength
        if (headBytes < HEAD_BYTES && !isLast) continue
        const known = Buffer.concat(head)
        isKept = isWanted(known.toString('utf8'))
        if (isKept) yield Buffer.concat([separator, known])
        if (isKept) separator = COMMA
      } else if (isKept) yield piece
      if (isLast) [head, headBytes, isKept] = [[], 0, undefined]
    }
  }
  yield separator === OPENING ? Buffer.from('[]') : CLOSING
}

/**
 * Splits a JSON list into its objects, chunk by chunk. All syntax characters of JSON are ASCII, so it works on bytes.
 */
function createScan() {
  let depth = 0
  let isString = false
  let isEscaped = false
  return function* pieces(chunk: Buffer): Generator<{ readonly piece: Buffer; readonly isLast: boolean }> {
    let start = 0
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at]
      if (isString) {
        if (isEscaped) isEscaped = false
        else if (byte === BACKSLASH) isEscaped = true
        else if (byte === QUOTE) isString = false
      } else if (byte === QUOTE) isString = true
      else if (byte === 0x7b || byte === 0x5b) {
        depth += 1
        if (depth === 2) start = at
      } else if (byte === 0x7d || byte === 0x5d) {
        depth -= 1
        if (depth === 1) yield { piece: chunk.subarray(start, at + 1), isLast: true }
      }
    }
    if (depth >= 2) yield { piece: chunk.subarray(start), isLast: false }
  }
}
