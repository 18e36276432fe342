/** Longest piece of a foreign text that messages repeat. */
const MAX_SHOWN_LENGTH = 200

/** The start of a text, in UTF-16 units at most so long and never half a character; an ellipsis tells that more follows. */
export function cutText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text.toWellFormed()
  const start = text.slice(0, maxLength).replace(/[\ud800-\udbff]$/u, '')
  return `${start.toWellFormed()}…`
}

/**
 * A text of unknown origin for a message: of bounded length, and nothing in it that a terminal or a log would obey (controls,
 * marks that turn the direction of writing, separators of lines).
 */
export function printable(text: string, maxLength = MAX_SHOWN_LENGTH): string {
  return cutText(text, maxLength).replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )
}

/** A text of several lines, whole: its line ends stay, tabs become spaces, other controls are spelt. */
export function printableLines(text: string): string {
  const lines = text.replaceAll('\t', '    ').split(/\r?\n/u)
  return lines.map((line) => printable(line, Number.POSITIVE_INFINITY)).join('\n')
}

/** {@link printable} between quotation marks, for names that may hold anything. */
export function quoted(text: string, maxLength = MAX_SHOWN_LENGTH): string {
  return `"${printable(text, maxLength).replaceAll('"', '\\"')}"`
}

/** Some of a list, and an ellipsis where there are more. */
export function someOf(texts: readonly string[], maxCount: number, separator = ', '): string {
  return texts.slice(0, maxCount).join(separator) + (texts.length > maxCount ? `${separator}…` : '')
}
