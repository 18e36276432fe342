import { type InputEntry, readEntry } from './array-inputs.ts'

/** Maximum number of concurrent requests to the bucket. One after the other, 2500 items would take a minute. */
const AHEAD = 16

/** Maximum size of objects that are read ahead; it bounds memory to 16 MiB. */
const MAX_BYTES = 1024 * 1024

/**
 * Returns the same entries with read-ahead: opening an entry starts the requests for those after it. For readers that
 * proceed by ascending name, numbers by value.
 */
export function readAhead(entries: Iterable<InputEntry>): readonly InputEntry[] {
  const all = [...entries]
  const { compare } = new Intl.Collator('en', { numeric: true })
  const small = all
    .filter(({ object, sizeBytes }) => object?.kind === 'object' && sizeBytes <= MAX_BYTES)
    .sort((a, b) => compare(a.name, b.name))
  const places = new Map(small.map(({ name }, place) => [name, place]))
  const reading = new Map<string, Promise<Buffer>>()
  const begin = (entry: InputEntry): Promise<Buffer> => {
    const begun = reading.get(entry.name) ?? readEntry(entry)
    // The reader of the entry receives the error.
    begun.catch(() => {})
    reading.set(entry.name, begun)
    return begun
  }
  return all.map((entry): InputEntry => {
    const place = places.get(entry.name)
    if (place === undefined) return entry
    const open = async () => {
      const [bytes] = small.slice(place, place + AHEAD).map(begin)
      reading.delete(entry.name)
      return bytes === undefined ? [] : [await bytes]
    }
    return { ...entry, open }
  })
}
