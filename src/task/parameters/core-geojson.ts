/*
 * GeoJSON that Cytomine core can read. Core uses the GeoJSON reader of JTS 1.19, and fails on the whole listing of a run when one geometry
 * is unreadable. Beyond a valid geometry, that reader requires two things. Every integer in the document is a Java long. A top-level `crs`
 * is null, or its `properties.name` has an int after its first colon (`EPSG:4326`, as PostGIS writes; GDAL writes
 * `urn:ogc:def:crs:OGC:1.3:CRS84`). The `crs` of a geometry within a feature is ignored.
 */

/**
 * Converts a geometry or feature to the form that core can read. An unreadable `crs` is removed, and an integer beyond
 * 64 bits gets a decimal point (`….0`), which preserves its digits. Other text is unchanged. Linear in the length of
 * the text.
 * @param text well-formed JSON without white space around it
 * @param value the parsed text: an object
 */
export function readableByCore(text: string, value: { readonly crs?: unknown }): string {
  return widenIntegers(isCrsReadable(value.crs) ? text : withoutCrs(text))
}

/** Nine digits always fit a Java int. */
const INT_AFTER_COLON = /^[^:]*:[-+]?\d{1,9}(?::|$)/u

function isCrsReadable(crs: unknown): boolean {
  if (crs === undefined || crs === null) return true
  const { properties } = crs as { readonly properties?: { readonly name?: unknown } | null }
  const name = properties?.name
  return typeof name === 'string' && INT_AFTER_COLON.test(name)
}

/** Removes every top-level `crs`, since the last of several counts. */
function withoutCrs(text: string): string {
  const pieces: string[] = []
  let copied = 0
  const leaveOut = (start: number, end: number): void => {
    pieces.push(text.slice(copied, start))
    copied = end
  }
  let endOfKept = 1
  let pending: number | undefined
  for (const { key, keyStart, valueEnd } of members(text)) {
    if (key === 'crs') {
      pending ??= keyStart
      continue
    }
    if (pending !== undefined) leaveOut(pending, keyStart)
    pending = undefined
    endOfKept = valueEnd
  }
  if (pending !== undefined) leaveOut(endOfKept, text.length - 1)
  return pieces.join('') + text.slice(copied)
}

interface Member {
  readonly key: string
  readonly keyStart: number
  readonly valueEnd: number
}

/** Members of the object, in their order. */
function* members(text: string): Generator<Member, void, undefined> {
  let at = skipSpace(text, 1)
  while (text[at] !== '}') {
    const keyStart = at
    const keyEnd = endOfString(text, keyStart)
    const valueEnd = endOf(text, skipSpace(text, skipSpace(text, keyEnd) + 1))
    yield { key: JSON.parse(text.slice(keyStart, keyEnd)) as string, keyStart, valueEnd }
    at = skipSpace(text, valueEnd)
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at += 1
  return at
}

/** Offset after the value that starts at `start`; not recursive. */
function endOf(text: string, start: number): number {
  const tokens = /["[\]{},]/gu
  tokens.lastIndex = start
  let depth = 0
  for (let found = tokens.exec(text); found !== null; found = tokens.exec(text)) {
    const [token] = found
    if (token === '"') {
      tokens.lastIndex = endOfString(text, found.index)
      if (depth === 0) return tokens.lastIndex
    } else if (token === '{' || token === '[') depth += 1
    else if (token !== ',') {
      // A number or a word ends where its container does.
      if (depth === 0) return found.index
      depth -= 1
      if (depth === 0) return tokens.lastIndex
    } else if (depth === 0) return found.index
  }
  return text.length
}

/** Offset after the string that starts at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0
    while (text[end - 1 - backslashes] === '\\') backslashes += 1
    if (backslashes % 2 === 0) return end + 1
  }
  return text.length
}

/** Digits of the largest long. */
const LONG_DIGITS = 19
const MAX_LONG = '9223372036854775807'
const MIN_LONG = '9223372036854775808'

function widenIntegers(text: string): string {
  // Nearly every document returns here.
  if (!/\d{19}/u.test(text)) return text
  const tokens = /"|\d{19,}/gu
  let widened = ''
  let copied = 0
  for (let found = tokens.exec(text); found !== null; found = tokens.exec(text)) {
    if (found[0] === '"') tokens.lastIndex = endOfString(text, found.index)
    else if (isIntegerBeyondLong(text, found.index, tokens.lastIndex)) {
      widened += `${text.slice(copied, tokens.lastIndex)}.0`
      copied = tokens.lastIndex
    }
  }
  return copied === 0 ? text : widened + text.slice(copied)
}

/** Whether the digits from `start` to `end` are a complete integer of the document, beyond the range of long. */
function isIntegerBeyondLong(text: string, start: number, end: number): boolean {
  if (/[.eE]/u.test(text[end] ?? '')) return false
  const isNegative = text[start - 1] === '-'
  const before = text[start - (isNegative ? 2 : 1)] ?? ''
  if (/[.eE+]/u.test(before)) return false
  if (end - start > LONG_DIGITS) return true
  return text.slice(start, end) > (isNegative ? MIN_LONG : MAX_LONG)
}
