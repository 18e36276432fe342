import zlib from 'node:zlib'
import { CommandError } from '../terminal/command-error.ts'
import { EXIT } from '../terminal/exit-codes.ts'

/*
 * Loaded before the program. Defines functions that Node 20.15 lacks, as ECMAScript specifies them, if they are missing. The one for zstd,
 * which cannot be replaced, throws an error that explains this.
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

// Missing before Node 22.15. The program reads the function from the module when it is called, so it finds this one.
define(zlib, 'createZstdDecompress', () => {
  throw new CommandError(
    `a layer of the image is compressed with zstd, which Node ${process.versions.node} cannot read: use Node 22.15 or newer, or save the image with gzip`,
    EXIT.unavailable,
  )
})
