/** Maximum length of an untrusted text in a message, in UTF-16 units. */
const MAX_SHOWN_LENGTH = 200

/** Cuts a text to `maxLength` UTF-16 units without splitting a surrogate pair, and adds an ellipsis. */
export function cutText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text.toWellFormed()
  const start = text.slice(0, maxLength).replace(/[\ud800-\udbff]$/u, '')
  return `${start.toWellFormed()}…`
}

/**
 * Makes an untrusted text safe for messages: bounds its length and escapes characters that terminals or logs interpret (controls, direction
 * marks, line separators).
 */
export function printable(text: string, maxLength = MAX_SHOWN_LENGTH): string {
  return cutText(text, maxLength).replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )
}

/** {@link printable} for several lines, at any length: keeps line ends and replaces tabs by spaces. */
export function printableLines(text: string): string {
  const lines = text.replaceAll('\t', '    ').split(/\r?\n/u)
  return lines.map((line) => printable(line, Number.POSITIVE_INFINITY)).join('\n')
}

/** {@link printable} in quotation marks. */
export function quoted(text: string, maxLength = MAX_SHOWN_LENGTH): string {
  return `"${printable(text, maxLength).replaceAll('"', '\\"')}"`
}

/** Maximum number of names in a message. */
export const MAX_NAMES = 20

/** Joins the first `maxCount` texts, with an ellipsis when there are more. */
export function someOf(texts: readonly string[], maxCount: number, separator = ', '): string {
  return texts.slice(0, maxCount).join(separator) + (texts.length > maxCount ? `${separator}…` : '')
}
