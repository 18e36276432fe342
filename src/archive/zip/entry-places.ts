import { quoted } from '../../contract/quoted.ts'
import { corruptEntry, corruptZip, type ZipFormatError } from './zip-format-error.ts'

/*
 * Where the entries of a zip lie. Each has bytes of its own, and nothing else has any: from the first byte of the file to the directory.
 *
 * Finder writes no zip64: of sizes and offsets over 4 GiB it gives the remainder modulo 2³² (Archive Utility and ditto, all versions of
 * macOS so far). The order of entries then tells the missing multiples, since nothing lies between them.
 */

/** What 32 bits count to. */
export const WRAP = 2 ** 32

/** An entry, its place as the directory says; {@link placeEntries} puts it right. */
export interface EntryPlace {
  readonly name: string
  /** The name's bytes, one a character. */
  readonly rawName: string
  compressedBytes: number
  /** Of its header. */
  offset: number
  /** Where the next entry starts, or the directory: its bytes end before. */
  limit: number
}

/** What the directory says of an entry, its place put right ({@link placeEntries}). */
export interface ZipRecord extends Readonly<EntryPlace> {
  readonly method: number
  /** Its content is the path of another file. */
  readonly isLink: boolean
  readonly crc32: number
  /** Of the content: the smallest that is possible. */
  readonly sizeBytes: number
  /** The largest that the content may be, where the directory gives it modulo 2³². */
  readonly maxSizeBytes: number
  /** Sizes as they stand in the directory. */
  readonly announced: { readonly compressedBytes: number; readonly sizeBytes: number }
}

export interface PlaceOptions {
  /** Where the first entry has to start. */
  readonly start: number
  /** Where the last one has to end. */
  readonly directoryOffset: number
  /** Whether the header of this entry stands at an offset. */
  readonly isHeaderAt: (offset: number, entry: EntryPlace) => Promise<boolean>
}

const LOCAL_HEADER_BYTES = 30
/** Extra field of a local header, and a data descriptor in its longest form. */
const MAX_UNANNOUNCED_BYTES = 0xffff + 24

/**
 * Sets offset, limit and compressed size of all entries.
 * @throws ZipFormatError when they share bytes, or leave some to nothing.
 */
export async function placeEntries(entries: readonly EntryPlace[], options: PlaceOptions): Promise<void> {
  try {
    placeAsWritten(entries, options)
  } catch (problem) {
    if (options.directoryOffset < WRAP) throw problem
    await placeInOrder(entries, options, problem as ZipFormatError)
  }
}

/** Entries may stand in any order, each where its offset says. */
function placeAsWritten(entries: readonly EntryPlace[], { start, directoryOffset }: PlaceOptions): void {
  const inOrder = entries.toSorted((a, b) => a.offset - b.offset)
  const before = (inOrder[0]?.offset ?? directoryOffset) - start
  if (before !== 0) throw corruptZip(`${before} bytes before its first entry belong to nothing`)
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

/** Of what the directory announces; extra field and data descriptor come on top. */
function endOf({ offset, rawName, compressedBytes }: EntryPlace): number {
  return offset + LOCAL_HEADER_BYTES + rawName.length + compressedBytes
}

/**
 * Entries one behind the other in the order of the directory, their offsets and sizes modulo 2³². First each is put as near behind the
 * one before as its offset lets it; what is missing to the directory then is the multiples that are hidden in sizes.
 * @throws problem when that leaves gaps.
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
 * How many hidden multiples stand before each entry: none before the first, all before the directory, never fewer than before the one in
 * front. Headers are looked at only where the number changes: some ten for each multiple.
 * @returns undefined when an entry is in none of its places.
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

/** Bytes behind an entry that nothing describes. */
export function unaccounted(name: string, bytes: number): ZipFormatError {
  return corruptEntry(name, `is followed by ${bytes} bytes that belong to nothing`)
}
