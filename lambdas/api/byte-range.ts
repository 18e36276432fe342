/** The bytes that a client asks for: from `start` to before `end`. */
export interface AskedRange {
  readonly start: number
  readonly end: number
}

const RANGE = /^bytes=(?:(\d+)-(\d*)|-(\d+))$/iu

/**
 * What a `Range` header asks for (RFC 9110, 14.2). Several ranges, other units and what cannot be read are ignored, as the RFC allows.
 * @param header with blanks as the client wrote them
 * @returns undefined for everything; `unsatisfiable` when no byte lies in the range
 */
export function askedRange(
  header: string | undefined,
  sizeBytes: number,
): AskedRange | 'unsatisfiable' | undefined {
  const found = RANGE.exec(header?.replace(/\s/gu, '') ?? '')
  if (found === null) return undefined
  const [, first, last, suffix] = found
  if (suffix !== undefined) {
    const length = Math.min(Number(suffix), sizeBytes)
    return length === 0 ? 'unsatisfiable' : { start: sizeBytes - length, end: sizeBytes }
  }
  const start = Number(first)
  if (last && Number(last) < start) return undefined
  if (start >= sizeBytes) return 'unsatisfiable'
  return { start, end: last ? Math.min(Number(last) + 1, sizeBytes) : sizeBytes }
}
