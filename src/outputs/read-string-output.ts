import { decodeUtf8Pieces } from '../inputs/decode-utf8.ts'
import type { ByteSource } from '../shared/byte-source.ts'
import { readAll } from '../shared/read-all.ts'
import type { TypeOf } from '../task/parameters/parameter-codec.ts'
import { checkLength, refuseNul } from '../task/parameters/string.ts'

/** Steps of the search for trailing white space. */
const FIRST_STEP_BYTES = 64 * 1024
const MAX_STEP_BYTES = 8 * 1024 * 1024

/** More characters than a listing shows. */
const BEGINNING_CHARACTERS = 1000

/**
 * Checks a string of any length as the string codec does. Memory: a decoded step of at most 8 MiB while the end of the
 * text is searched, then a few chunks.
 * @returns its beginning, of at least 1000 characters when it has that many
 * @throws DomainError naming the parameter
 */
export async function readStringOutput(
  source: ByteSource,
  type: TypeOf<'string'>,
  parameterName: string,
  firstStepBytes = FIRST_STEP_BYTES,
): Promise<string> {
  // Searched first: gigabytes of white space could not be buffered until the text continues.
  const endOfText = await findEndOfText(source, firstStepBytes)
  let beginning = ''
  let length = 0
  let refusal: unknown
  const pieces = endOfText === 0 ? [] : decodeUtf8Pieces(await source.read(0, endOfText), parameterName)
  for await (const piece of pieces) {
    const text = length === 0 ? piece.trimStart() : piece
    length += text.length
    if (beginning.length < BEGINNING_CHARACTERS) beginning += text
    // Invalid UTF-8 is reported before other problems.
    refusal ??= refusalOf(text, parameterName)
  }
  if (refusal !== undefined) throw refusal
  checkLength(length, type, parameterName)
  return beginning
}

function refusalOf(text: string, parameterName: string): unknown {
  try {
    refuseNul(text, parameterName)
  } catch (error) {
    return error
  }
  return undefined
}

/** Offset where trailing white space starts; the bytes after it are well-formed. */
async function findEndOfText(source: ByteSource, firstStepBytes: number): Promise<number> {
  const lenient = new TextDecoder('utf-8', { ignoreBOM: true })
  let end = source.sizeBytes
  for (let step = firstStepBytes; end > 0; step = Math.min(2 * step, MAX_STEP_BYTES)) {
    const start = Math.max(0, end - step)
    const bytes = await readAll(await source.read(start, end - start))
    const within = start === 0 ? 0 : continuationBytes(bytes)
    const text = lenient.decode(bytes.subarray(within))
    const rest = text.trimEnd()
    if (rest !== '') return end - Buffer.byteLength(text.slice(rest.length))
    // A character that is cut by this step belongs to the next one.
    end = start + within
  }
  return 0
}

/** Number of bytes at the start that belong to the character before, at most 3. */
function continuationBytes(bytes: Uint8Array): number {
  const MAX_COUNT = 3
  let count = 0
  while (count < MAX_COUNT && ((bytes[count] ?? 0) & 0xc0) === 0x80) count += 1
  return count
}
