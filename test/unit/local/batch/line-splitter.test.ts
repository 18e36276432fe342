import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLineSplitter } from '../../../../local/batch/line-splitter.ts'

/** All lines of a text that arrives in chunks of these sizes. */
function split(text: string, sizes: readonly number[], longestLine?: number): string[] {
  const splitter = createLineSplitter(longestLine)
  const lines: string[] = []
  let bytes = Buffer.from(text)
  for (const size of sizes) {
    lines.push(...splitter.push(bytes.subarray(0, size)))
    bytes = bytes.subarray(size)
  }
  return [...lines, ...splitter.push(bytes), ...splitter.end()]
}

describe('lines of a container’s output', () => {
  it('include blank lines and a last line without a line end', () => {
    const lines = split('a\r\n\nb', [])

    expect(lines).toEqual(['a', '', 'b'])
  })

  it('are the same however the output is divided into chunks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }).filter((line) => !/[\r\n]/u.test(line))),
        fc.array(fc.nat(5)),
        (written, sizes) => {
          expect(split(written.map((line) => `${line}\n`).join(''), sizes)).toEqual(written)
        },
      ),
    )
  })

  it('are split between characters when they are too long', () => {
    const lines = split('aaa🙂b\ncc', [2, 2, 2], 4)

    expect(lines).toEqual(['aaa', '🙂b', 'cc'])
  })
})
