/*
 * Escapes control sequences in untrusted texts of tasks and services. A terminal could be made to write to the clipboard, set its
 * title or overwrite earlier lines.
 */

/** Colours and styles, which are kept: `ESC [ … m`. */
const STYLE = String.raw`\u001b\[[\d;:]*m`
/** C0 and C1 control characters except tab and line feed, and characters that change the text direction. */
const STEERING = String.raw`[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]`
const FOUND = new RegExp(`(${STYLE})|${STEERING}`, 'gu')
const RESET = '\u001b[0m'

/** Escapes all control characters but line ends, tabs, colours and styles. A lone carriage return becomes a line end. */
export function shownText(text: string): string {
  return text
    .replace(/\r\n?/gu, '\n')
    .replace(FOUND, (found, style: string | undefined) => style ?? escaped(found))
}

/** Escapes control characters that JSON leaves unescaped. */
export function shownJson(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

interface Output {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** Writes a part of a log: on a terminal as {@link shownText} with styles reset at the end, elsewhere unchanged. */
export function writeLog(stream: Output, text: string): void {
  if (stream.isTTY !== true) stream.write(text)
  else {
    const shown = shownText(text)
    stream.write(shown.includes('\u001b[') ? `${shown}${RESET}` : shown)
  }
}

function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`
}
