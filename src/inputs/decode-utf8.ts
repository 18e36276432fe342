import { parameterError } from '../contract/errors.ts'

/** Shared decoder for whole texts: creating one takes longer than decoding an array item. */
const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Decodes a parameter's file, without a byte order mark.
 * @throws DomainError INTERNAL_PARAMETER_TYPE_ERROR when it is not UTF-8
 */
export function decodeUtf8(bytes: Uint8Array, parameterName: string): string {
  return decode(utf8, parameterName, bytes)
}

/**
 * Streaming variant of {@link decodeUtf8}; no piece ends within a character.
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
    const words = 'the file is not UTF-8 text; write it as UTF-8, without compression'
    throw parameterError('INTERNAL_PARAMETER_TYPE_ERROR', parameterName, words, { cause: error })
  }
}
