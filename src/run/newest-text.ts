/** The last `maxBytes` of a text as UTF-8, or up to three bytes less so that no character is split. */
export function newestText(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text)
  let start = Math.max(0, bytes.length - maxBytes)
  // Continuation bytes of UTF-8 are 10xxxxxx.
  while (((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1
  return bytes.subarray(start).toString('utf8')
}
