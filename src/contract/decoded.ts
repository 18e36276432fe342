/** Decodes the percent-encoding of a segment or a query; text that is not encoded is unchanged. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
