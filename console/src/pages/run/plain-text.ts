/* Logs contain control sequences for terminals, which the page shows or removes. */

/** Colours and styles: `ESC [ … m`. */
const STYLES = new RegExp(`${String.fromCodePoint(0x1b)}\\[[\\d;:]*m`, 'gu')
/** ASCII control characters except tab and line ends. */
const CONTROLS = /(?![\t\n\r\u0080-\u009f])\p{Cc}/gu
/** Characters that change the direction of the following text. */
const TURNS = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** Removes colours, makes other control characters visible, and keeps the last state of progress bars. */
export function plainText(log: string): string {
  return log
    .replace(STYLES, '')
    .split('\n')
    .map(lastState)
    .join('\n')
    .replace(CONTROLS, (letter) =>
      letter === '\u007f' ? '␡' : String.fromCodePoint(0x2400 + letter.charCodeAt(0)),
    )
    .replace(TURNS, '�')
}

/**
 * Text of a line after its carriage returns. It is searched for them, because a regular expression takes quadratic time: 43 s for a line
 * of 64 KiB.
 */
function lastState(line: string): string {
  let end = line.length
  while (end > 0 && line[end - 1] === '\r') end -= 1
  return line.slice(line.lastIndexOf('\r', end - 1) + 1, end)
}
