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
  const pairs = raw.flatMap((name, index): [string, string][] =>
    index % 2 === 0 ? [[name, raw[index + 1] ?? '']] : [],
  )
  const named = pairs
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => value.split(',').map((word) => word.trim().toLowerCase()))
  const isKept = (name: string): boolean =>
    !HOP_BY_HOP.has(name) && !named.includes(name) && !dropped.includes(name)
  return pairs.filter(([name]) => isKept(name.toLowerCase())).flat()
}
