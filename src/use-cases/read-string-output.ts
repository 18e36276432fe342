import type { TypeOf } from '../domain/parameters/parameter-codec.ts'
import { checkLength } from '../domain/parameters/string.ts'
import { readAll } from '../formats/read-all.ts'
import type { ByteSource } from '../formats/zip/byte-source.ts'
import { decodeUtf8Pieces } from './decode-utf8.ts'

/** White space at the end is looked for in steps of these sizes. */
const FIRST_STEP_BYTES = 64 * 1024
const LARGEST_STEP_BYTES = 8 * 1024 * 1024

/**
 * The string that a task wrote, however long, as JSON text: what the string's codec makes of it, piece by piece. Memory is a step
 * of 8 MiB at most, decoded, while the end of the text is looked for, and some chunks of the source afterwards.
 * @throws DomainError naming the parameter; of a text that breaks off there is then a part
 */
export async function* readStringOutput(
  source: ByteSource,
  type: TypeOf<'string'>,
  parameterName: string,
  firstStepBytes = FIRST_STEP_BYTES,
): AsyncGenerator<string, void, undefined> {
  // Found beforehand, since white space that goes on for gigabytes could not be held until it is known what comes after it.
  const endOfText = await findEndOfText(source, firstStepBytes)
  const { minLength, maxLength = Number.POSITIVE_INFINITY } = type
  let length = 0
  yield '"'
  if (endOfText > 0) {
    for await (const piece of decodeUtf8Pieces(await source.read(0, endOfText), parameterName)) {
      const text = length === 0 ? piece.trimStart() : piece
      length += text.length
      // What is too long will be refused at its end, unless it is no text at all.
      if (length <= Math.max(minLength, maxLength)) yield JSON.stringify(text).slice(1, -1)
    }
  }
  checkLength(length, type, parameterName)
  yield '"'
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
