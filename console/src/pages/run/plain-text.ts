/* Logs contain control sequences for terminals, which the page shows or removes. */

/** Colours and styles: `ESC [ … m`. */
const STYLES = new RegExp(`${String.fromCodePoint(0x1b)}\\[[\\d;:]*m`, 'gu')
/** Control characters of ASCII but tab and line ends. */
const CONTROLS = /(?![\t\n\r\u0080-\u009f])\p{Cc}/gu
/** Characters that change the direction of the following text. */
const TURNS = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** Text without colours, with other control characters as visible signs, and progress bars in their last state. */
export function plainText(log: string): string {
  return log
    .replace(STYLES, '')
    .replace(/\r\n/gu, '\n')
    .replace(/[^\n]*\r(?=[^\n])/gu, '')
    .replaceAll('\r', '')
    .replace(CONTROLS, (letter) =>
      letter === '\u007f' ? '␡' : String.fromCodePoint(0x2400 + letter.charCodeAt(0)),
    )
    .replace(TURNS, '�')
}
