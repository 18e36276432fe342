/** Headers of one connection, which say nothing about the message: RFC 9110, 7.6.1. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Name and value in turns, as Node has raw headers, without those of the connection and the dropped ones. */
export function endToEndHeaders(raw: readonly string[], dropped: readonly string[]): string[] {
  const named = pairsOf(raw)
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => value.split(',').map((word) => word.trim().toLowerCase()))
  return withoutHeaders(raw, (name) => HOP_BY_HOP.has(name) || named.includes(name) || dropped.includes(name))
}

/** The same headers but for those whose name, in lower case, is dropped. */
export function withoutHeaders(raw: readonly string[], isDropped: (name: string) => boolean): string[] {
  return pairsOf(raw)
    .filter(([name]) => !isDropped(name.toLowerCase()))
    .flat()
}

function pairsOf(raw: readonly string[]): [name: string, value: string][] {
  return raw.flatMap((name, index): [string, string][] =>
    index % 2 === 0 ? [[name, raw[index + 1] ?? '']] : [],
  )
}
