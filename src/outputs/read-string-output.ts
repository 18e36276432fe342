import { decodeUtf8Pieces } from '../inputs/decode-utf8.ts'
import type { ByteSource } from '../shared/byte-source.ts'
import { readAll } from '../shared/read-all.ts'
import type { TypeOf } from '../task/parameters/parameter-codec.ts'
import { checkLength, refuseNul } from '../task/parameters/string.ts'

/** White space at the end is looked for in steps of these sizes. */
const FIRST_STEP_BYTES = 64 * 1024
const LARGEST_STEP_BYTES = 8 * 1024 * 1024

/** More of the text than a listing shows. */
const BEGINNING_CHARACTERS = 1000

/**
 * Checks the string that a task wrote, however long, as the string's codec checks a short one. Memory is a step of 8 MiB at most,
 * decoded, while the end of the text is looked for, and some chunks of the source afterwards.
 * @returns its beginning, of 1000 characters at least where it has so many
 * @throws DomainError naming the parameter
 */
export async function readStringOutput(
  source: ByteSource,
  type: TypeOf<'string'>,
  parameterName: string,
  firstStepBytes = FIRST_STEP_BYTES,
): Promise<string> {
  // Found beforehand, since white space that goes on for gigabytes could not be held until it is known what comes after it.
  const endOfText = await findEndOfText(source, firstStepBytes)
  let beginning = ''
  let length = 0
  let refusal: unknown
  const pieces = endOfText === 0 ? [] : decodeUtf8Pieces(await source.read(0, endOfText), parameterName)
  for await (const piece of pieces) {
    const text = length === 0 ? piece.trimStart() : piece
    length += text.length
    if (beginning.length < BEGINNING_CHARACTERS) beginning += text
    // Bytes that are no text at all are told first.
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

/** Where the white space at the end begins; all of it is well-formed then. */
async function findEndOfText(source: ByteSource, firstStepBytes: number): Promise<number> {
  const lenient = new TextDecoder('utf-8', { ignoreBOM: true })
  let end = source.sizeBytes
  for (let step = firstStepBytes; end > 0; step = Math.min(2 * step, LARGEST_STEP_BYTES)) {
    const start = Math.max(0, end - step)
    const bytes = await readAll(await source.read(start, end - start))
    const within = start === 0 ? 0 : continuationBytes(bytes)
    const text = lenient.decode(bytes.subarray(within))
    const rest = text.trimEnd()
    if (rest !== '') return end - Buffer.byteLength(text.slice(rest.length))
    // A character that this step cuts belongs to the next one.
    end = start + within
  }
  return 0
}

/** How many bytes at the beginning belong to a character that begins before, which has 3 of them at most. */
function continuationBytes(bytes: Uint8Array): number {
  const LONGEST = 3
  let count = 0
  while (count < LONGEST && ((bytes[count] ?? 0) & 0xc0) === 0x80) count += 1
  return count
}
