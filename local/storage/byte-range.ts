/** Bytes from `start` to before `end`. */
export interface ByteSpan {
  readonly start: number
  readonly end: number
}

/**
 * The span of a `Range` header (RFC 9110, 14.2) with one range.
 * @returns undefined when there is none that is to be honoured, 'unsatisfiable' when it begins behind the last byte.
 */
export function spanOf(
  header: string | undefined,
  sizeBytes: number,
): ByteSpan | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/u.exec(header ?? '') ?? []
  if (first === '' && last === '') return undefined
  if (first === '') {
    const length = Math.min(Number(last), sizeBytes)
    return length === 0 ? 'unsatisfiable' : { start: sizeBytes - length, end: sizeBytes }
  }
  const start = Number(first)
  const end = last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes)
  if (start >= sizeBytes) return 'unsatisfiable'
  return start < end ? { start, end } : undefined
}
