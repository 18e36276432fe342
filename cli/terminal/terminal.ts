import { styleText } from 'node:util'
import { printable } from '../../src/contract/quoted.ts'
import { shownJson, shownText } from '../../src/shared/shown-text.ts'

/** Output of a command; `isTTY`: it is a terminal. */
export interface Stream {
  readonly isTTY?: boolean
  /** Width of a terminal. */
  readonly columns?: number
  write(text: string): unknown
}

/** Streams and variables of a command's process. */
export interface Surroundings {
  readonly stdout: Stream
  readonly stderr: Stream
  readonly env: Readonly<Record<string, string | undefined>>
}

export type Style = 'red' | 'yellow' | 'green' | 'bold' | 'dim'

/** Output of a command: results on stdout, progress and notes on stderr. Control sequences other than colours are escaped. */
export interface Terminal extends Surroundings {
  /** Whether results are printed as JSON. */
  readonly isJson: boolean
  /** Prints a line of the result; nothing with `--json`. */
  print(line: string): void
  /** Prints the result as JSON; nothing without `--json`. */
  json(value: unknown): void
  /** Prints a part of the result as one line of JSON; nothing without `--json`. */
  jsonLine(value: unknown): void
  /** Prints a line on stderr; in the style if stderr is a terminal. */
  note(line: string, style?: Style): void
  /** Prints rows in columns, the first one as heading; nothing with `--json`. */
  table(rows: readonly (readonly string[])[]): void
  /** Text in a style, if stdout is a terminal. */
  paint(style: Style, text: string): string
}

/** Colours only on a terminal, and never when NO_COLOR is set (https://no-color.org). */
export function createTerminal(surroundings: Surroundings, isJson: boolean): Terminal {
  const { stdout, stderr, env } = surroundings
  const styled = (stream: Stream, style: Style, text: string): string =>
    stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
      ? styleText(style, text, { validateStream: false })
      : text
  const print = (line: string): void => {
    if (!isJson) stdout.write(`${shownText(line)}\n`)
  }
  const paint = (style: Style, text: string): string => styled(stdout, style, text)
  return {
    ...surroundings,
    isJson,
    print,
    paint,
    json(value) {
      if (isJson) stdout.write(`${shownJson(JSON.stringify(value, null, 2))}\n`)
    },
    jsonLine(value) {
      if (isJson) stdout.write(`${shownJson(JSON.stringify(value))}\n`)
    },
    note: (line, style) =>
      void stderr.write(`${shownText(style === undefined ? line : styled(stderr, style, line))}\n`),
    table(untrusted) {
      const rows = untrusted.map((row) => row.map((cell) => printable(cell, Number.POSITIVE_INFINITY)))
      const widths = rows.reduce<number[]>(
        (known, row) => row.map((cell, column) => Math.max(cell.length, known[column] ?? 0)),
        [],
      )
      for (const [index, row] of rows.entries()) {
        const line = row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()
        print(index === 0 ? paint('bold', line) : line)
      }
    },
  }
}
