import { StringDecoder } from 'node:string_decoder'

/** Maximum length of a line in UTF-16 units. Longer lines are split, which bounds memory. */
const MAX_LINE = 64 * 1024

/** Splits the output of one source. */
export function createLineSplitter(longestLine = MAX_LINE) {
  const decoder = new StringDecoder('utf8')
  let rest = ''

  function split(text: string): string[] {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    const cut = lines.flatMap((line) => cutToLength(line.replace(/\r$/u, ''), longestLine))
    const pieces = cutToLength(rest, longestLine)
    rest = pieces.pop() ?? ''
    return [...cut, ...pieces]
  }

  return {
    push: (chunk: Buffer): string[] => split(decoder.write(chunk)),
    /** The last line, if it has no line end. */
    end(): string[] {
      const lines = split(decoder.end())
      return rest === '' ? lines : [...lines, rest]
    },
  }
}

/** Pieces of at most `length`; surrogate pairs are not split. */
function cutToLength(line: string, length: number): string[] {
  const pieces: string[] = []
  let start = 0
  while (line.length - start > length) {
    const code = line.charCodeAt(start + length - 1)
    const end = start + length - (code >= 0xd8_00 && code <= 0xdb_ff ? 1 : 0)
    pieces.push(line.slice(start, end))
    start = end
  }
  pieces.push(line.slice(start))
  return pieces
}
