/*
 * Polyfills for Node 20, loaded before the program. Each is defined only if it is missing, as ECMAScript specifies it. zstd
 * layers still need Node 22.15.
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

// Frees memory early, so an empty implementation is sufficient.
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
