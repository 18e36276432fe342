/*
 * Texts of tasks and services may hold what terminals obey: write to the clipboard, change the title, move the cursor over earlier lines.
 */

/** Colours and styles, which stay: `ESC [ … m`. */
const STYLE = String.raw`\u001b\[[\d;:]*m`
/** Controls of both sets except tab and line feed, and what turns the direction of text. */
const STEERING = String.raw`[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]`
const FOUND = new RegExp(`(${STYLE})|${STEERING}`, 'gu')
const RESET = '\u001b[0m'

/** A text in which everything but line ends, tabs, colours and styles is visible. A lone carriage return is a line end. */
export function shownText(text: string): string {
  return text
    .replace(/\r\n?/gu, '\n')
    .replace(FOUND, (found, style: string | undefined) => style ?? escaped(found))
}

/** JSON without the controls that JSON leaves as they are. */
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

/** Writes a part of a log: to a terminal as {@link shownText}, which no style outlasts, elsewhere as it is. */
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
