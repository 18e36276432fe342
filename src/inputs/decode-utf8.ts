import { parameterError } from '../contract/errors.ts'

/** For whole texts: making one takes longer than decoding an item of an array. */
const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Bytes of a parameter's file as text, without a byte order mark.
 * @throws DomainError INTERNAL_PARAMETER_TYPE_ERROR when they are not UTF-8
 */
export function decodeUtf8(bytes: Uint8Array, parameterName: string): string {
  return decode(utf8, parameterName, bytes)
}

/**
 * The same piece by piece; no piece ends within a character.
 * @param ignoreBOM keeps a byte order mark as a character of the text
 */
export async function* decodeUtf8Pieces(
  pieces: AsyncIterable<Uint8Array>,
  parameterName: string,
  { ignoreBOM = false }: { readonly ignoreBOM?: boolean } = {},
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM })
  for await (const piece of pieces) yield decode(decoder, parameterName, piece, true)
  yield decode(decoder, parameterName)
}

function decode(decoder: typeof utf8, parameterName: string, bytes?: Uint8Array, stream = false): string {
  try {
    return decoder.decode(bytes, { stream })
  } catch (error) {
    const words = 'the file is no UTF-8 text; write text as UTF-8, without compression'
    throw parameterError('INTERNAL_PARAMETER_TYPE_ERROR', parameterName, words, { cause: error })
  }
}
