import type { UnderlyingSource } from 'node:stream/web'
import util from 'node:util'
import zlib from 'node:zlib'
import { CommandError } from '../terminal/command-error.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import type { Style } from '../terminal/terminal.ts'

/*
 * Loaded before the program. Defines functions that Node 20.0 lacks, as far as the program uses them, if they are missing. The one for
 * zstd, which cannot be replaced, throws an error that explains this. The program reads functions from their module when it calls them, so
 * it finds these.
 */

function define(target: object, name: string, value: unknown): void {
  if (!(name in target)) Object.defineProperty(target, name, { value, writable: true, configurable: true })
}

define(Map, 'groupBy', <Key, Item>(items: Iterable<Item>, keyOf: (item: Item, index: number) => Key) => {
  const groups = new Map<Key, Item[]>()
  let index = 0
  for (const item of items) {
    const key = keyOf(item, index)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
    index += 1
  }
  return groups
})

define(Promise, 'withResolvers', <Value>() => {
  let resolve: (value: Value | PromiseLike<Value>) => void = () => {}
  let reject: (reason?: unknown) => void = () => {}
  const promise = new Promise<Value>((whenDone, whenFailed) => {
    resolve = whenDone
    reject = whenFailed
  })
  return { promise, resolve, reject }
})

// Node's own frees memory early, which is not required: a copy is sufficient.
define(ArrayBuffer.prototype, 'transfer', function transfer(this: ArrayBuffer, length: number) {
  return this.slice(0, length)
})

define(Array, 'fromAsync', async <Item>(items: AsyncIterable<Item>) => {
  const list: Item[] = []
  for await (const item of items) list.push(item)
  return list
})

define(Set.prototype, 'union', function union<Item>(this: Set<Item>, other: Set<Item>) {
  return new Set([...this, ...other])
})

// Missing before Node 20.3.
define(AbortSignal, 'any', (signals: Iterable<AbortSignal>) => {
  const controller = new AbortController()
  const { signal } = controller
  for (const one of signals) {
    if (one.aborted) controller.abort(one.reason)
    else one.addEventListener('abort', () => controller.abort(one.reason), { once: true, signal })
  }
  return signal
})

// Missing before Node 20.6.
define(ReadableStream, 'from', <Item>(items: AsyncIterable<Item>) => {
  const iterator = items[Symbol.asyncIterator]()
  const source: UnderlyingSource<Item> = {
    async pull(controller) {
      const { done, value } = await iterator.next()
      if (done === true) controller.close()
      else controller.enqueue(value)
    },
    async cancel(reason) {
      await iterator.return?.(reason)
    },
  }
  return new ReadableStream(source, { highWaterMark: 0 })
})

/** Codes that begin and end the styles of `cli/terminal`. */
const STYLES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
}

// Missing before Node 20.12.
define(util, 'styleText', (style: Style, text: string) => {
  const [begin, end] = STYLES[style]
  return `\u001b[${begin}m${text}\u001b[${end}m`
})

/** Reflected polynomial of CRC-32. */
const POLYNOMIAL = 0xedb88320

/** CRC-32 of each byte. */
const CRC_OF_BYTE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ ((crc & 1) * POLYNOMIAL)
  return crc
})

// Missing before Node 20.15.
define(zlib, 'crc32', (data: string | Uint8Array, start = 0) => {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data
  let crc = ~start
  for (let index = 0; index < bytes.length; index += 1) {
    crc = (crc >>> 8) ^ (CRC_OF_BYTE[(crc ^ (bytes[index] ?? 0)) & 0xff] ?? 0)
  }
  return ~crc >>> 0
})

// Missing before Node 22.15.
define(zlib, 'createZstdDecompress', () => {
  throw new CommandError(
    `a layer of the image is compressed with zstd, which Node ${process.versions.node} cannot read: use Node 22.15 or newer, or save the image with gzip`,
    EXIT.unavailable,
  )
})
