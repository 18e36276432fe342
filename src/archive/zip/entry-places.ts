import { quoted } from '../../contract/quoted.ts'
import { corruptEntry, corruptZip, type ZipFormatError } from './zip-format-error.ts'

/*
 * Locates the entries of a zip. Entries must not overlap, and must fill the file from its first byte to the directory.
 *
 * Finder writes no zip64: it stores sizes and offsets over 4 GiB modulo 2³² (Archive Utility and ditto, all versions of macOS
 * so far). The order of the entries then gives the missing multiples, since there are no gaps.
 */

/** Number of values of 32 bits. */
export const WRAP = 2 ** 32

/** An entry's position according to the directory; {@link placeEntries} corrects it. */
export interface EntryPlace {
  readonly name: string
  /** The name's bytes, as latin1. */
  readonly rawName: string
  compressedBytes: number
  /** Offset of the local header. */
  offset: number
  /** Offset of the next entry, or of the directory: the upper bound of this entry's end. */
  limit: number
}

/** A directory record, its position corrected by {@link placeEntries}. */
export interface ZipRecord extends Readonly<EntryPlace> {
  readonly method: number
  /** Symbolic link: the content is the target's path. */
  readonly isLink: boolean
  readonly crc32: number
  /** Smallest possible size of the content. */
  readonly sizeBytes: number
  /** Largest possible size of the content; differs where the directory gives it modulo 2³². */
  readonly maxSizeBytes: number
  /** Sizes as written in the directory. */
  readonly announced: { readonly compressedBytes: number; readonly sizeBytes: number }
}

export interface PlaceOptions {
  /** Required offset of the first entry. */
  readonly start: number
  /** Required end of the last entry. */
  readonly directoryOffset: number
  /** Whether this entry's local header is at an offset. */
  readonly isHeaderAt: (offset: number, entry: EntryPlace) => Promise<boolean>
}

const LOCAL_HEADER_BYTES = 30
/** Maximum size of a local header's extra field and a data descriptor together. */
const MAX_UNANNOUNCED_BYTES = 0xffff + 24

/**
 * Sets offset, limit and compressed size of all entries.
 * @throws ZipFormatError when entries overlap or leave gaps
 */
export async function placeEntries(entries: readonly EntryPlace[], options: PlaceOptions): Promise<void> {
  try {
    placeAsWritten(entries, options)
  } catch (problem) {
    if (options.directoryOffset < WRAP) throw problem
    await placeInOrder(entries, options, problem as ZipFormatError)
  }
}

/** Takes offsets as written; entries may be in any order. */
function placeAsWritten(entries: readonly EntryPlace[], { start, directoryOffset }: PlaceOptions): void {
  const inOrder = entries.toSorted((a, b) => a.offset - b.offset)
  const before = (inOrder[0]?.offset ?? directoryOffset) - start
  if (before !== 0) throw corruptZip(`${before} bytes before its first entry belong to no entry`)
  for (const [index, entry] of inOrder.entries()) {
    const next = inOrder[index + 1]
    const spare = (next?.offset ?? directoryOffset) - endOf(entry)
    if (spare < 0) {
      const other = next === undefined ? 'its directory' : quoted(next.name)
      throw corruptZip(`the entry ${quoted(entry.name)} and ${other} share bytes`)
    }
    if (spare > MAX_UNANNOUNCED_BYTES) throw unaccounted(entry.name, spare)
  }
  for (const [index, entry] of inOrder.entries()) entry.limit = inOrder[index + 1]?.offset ?? directoryOffset
}

/** Smallest possible end of an entry: an extra field and a data descriptor add to it. */
function endOf({ offset, rawName, compressedBytes }: EntryPlace): number {
  return offset + LOCAL_HEADER_BYTES + rawName.length + compressedBytes
}

/**
 * Places entries contiguously in directory order, with offsets and sizes modulo 2³². Each entry gets the smallest offset
 * from its predecessor's end on that equals its stored offset modulo 2³². What is then missing up to the directory are
 * multiples hidden in sizes; local headers show where.
 * @throws problem when gaps remain, or a local header is not found
 */
async function placeInOrder(
  entries: readonly EntryPlace[],
  { start, directoryOffset, isHeaderAt }: PlaceOptions,
  problem: ZipFormatError,
): Promise<void> {
  const nearest: number[] = []
  let end = start
  for (const entry of entries) {
    const offset = end + modulo(entry.offset - end)
    if (offset - end > (nearest.length === 0 ? 0 : MAX_UNANNOUNCED_BYTES)) throw problem
    nearest.push(offset)
    end = endOf({ ...entry, offset })
  }
  const hidden = Math.floor((directoryOffset - end) / WRAP)
  if (hidden < 0 || modulo(directoryOffset - end) > MAX_UNANNOUNCED_BYTES) throw problem
  const isAt = async (index: number, wrap: number): Promise<boolean> => {
    const [entry, offset] = [entries[index], nearest[index]]
    return entry !== undefined && offset !== undefined && (await isHeaderAt(offset + wrap * WRAP, entry))
  }
  const wraps = (await isAt(0, 0)) ? await findWraps(nearest, hidden, isAt) : undefined
  if (wraps === undefined) throw problem
  const places = [...nearest.map((offset, index) => offset + (wraps[index] ?? 0) * WRAP), directoryOffset]
  for (const [index, entry] of entries.entries()) {
    entry.offset = places[index] ?? 0
    entry.limit = places[index + 1] ?? directoryOffset
    entry.compressedBytes += Math.floor((entry.limit - endOf(entry)) / WRAP) * WRAP
  }
}

function modulo(bytes: number): number {
  return ((bytes % WRAP) + WRAP) % WRAP
}

/**
 * Finds the number of hidden multiples before each entry. It starts at 0, never decreases, and includes all multiples
 * at the directory. Headers are read only where the number changes: about ten for each multiple.
 * @returns undefined when an entry is at none of its possible offsets
 */
async function findWraps(
  nearest: readonly number[],
  hidden: number,
  isAt: (index: number, wrap: number) => Promise<boolean>,
): Promise<readonly number[] | undefined> {
  const wraps = new Array<number>(nearest.length).fill(0)
  const waiting = [{ from: 0, to: nearest.length, low: 0, high: hidden }]
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    const { from, to, low, high } = part
    if (low === high) wraps.fill(low, from, to)
    if (low === high || to - from < 2) {
      if (to > from) wraps[from] = low
      continue
    }
    const middle = Math.floor((from + to) / 2)
    let wrap = low
    while (wrap <= high && !(await isAt(middle, wrap))) wrap += 1
    if (wrap > high) return undefined
    waiting.push({ from, to: middle, low, high: wrap }, { from: middle, to, low: wrap, high })
  }
  return wraps
}

/** Error for bytes after an entry that no record describes. */
export function unaccounted(name: string, bytes: number): ZipFormatError {
  return corruptEntry(name, `is followed by ${bytes} bytes that belong to no entry`)
}
