/** Passes bytes on; throws the signal's reason between two chunks. */
export async function* untilAborted(
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of bytes) {
    signal.throwIfAborted()
    yield chunk
  }
}
