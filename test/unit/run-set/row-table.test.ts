import { describe, expect, it } from 'vitest'
import { MAX_COLUMNS, MAX_ROWS } from '../../../src/contract/run-set-limits.ts'
import { readRowTable } from '../../../src/run-set/row-table.ts'

const plain = (text: string) => readRowTable(text).map((row) => Object.fromEntries(row))

const MANY_NAMES = Array.from({ length: MAX_COLUMNS + 1 }, (_, column) => `c${column}`).join()

describe('a table of inputs', () => {
  it.each([
    ['a JSON array', '[{"a":1,"t":"x"},{"a":2}]'],
    ['JSON lines', '{"a":1,"t":"x"}\n\n{"a":2}\n'],
  ])('may be %s', (_, text) => {
    expect(plain(text)).toEqual([{ a: { json: 1 }, t: { json: 'x' } }, { a: { json: 2 } }])
  })

  it('may be a CSV from a spreadsheet: byte order mark, CRLF, quotes, line breaks in fields', () => {
    expect(plain('\uFEFFa,t\r\n1,"x, ""y""\nz"\r\n2,\r\n')).toEqual([
      { a: { text: '1' }, t: { text: 'x, "y"\nz' } },
      { a: { text: '2' } },
    ])
  })

  it.each([
    ['nothing', '', 'has no row'],
    ['only a header', 'a,b\n', 'has no row'],
    ['a line that is not JSON', '{"a":1}\n{"a":', 'line 2 is not JSON'],
    ['a row that is not an object', '[{"a":1},5]', 'row 2 is not an object'],
    ['a CSV whose second line is longer', 'a,b\n1,2,3\n', 'not CSV'],
    ['two columns with the same name', 'a,a\n1,2\n', 'two columns "a"'],
    ['a column without a name', 'a,\n1,2\n', 'without a name'],
    ['more rows than a set may have', `a\n${'1\n'.repeat(MAX_ROWS + 1)}`, `at most ${MAX_ROWS}`],
    ['more JSON objects than a set may have', `[${'{},'.repeat(MAX_ROWS)}{}]`, `at most ${MAX_ROWS}`],
    ['more JSON lines than a set may have', '{}\n'.repeat(MAX_ROWS + 1), `at most ${MAX_ROWS}`],
    ['more columns than parameters', `${MANY_NAMES}\n`, 'columns'],
    ['more names in an object', `{${MANY_NAMES.replaceAll(/[^,]+/gu, '"$&":1')}}`, 'columns'],
    ['more names in all objects', `[${MANY_NAMES.replaceAll(/[^,]+/gu, '{"$&":1}')}]`, 'columns'],
  ])('is refused with %s', (_, text, words) => {
    expect(() => readRowTable(text)).toThrow(words)
  })

  it('may have as many rows as a set can have', () => {
    expect(readRowTable(`a\n${'1\n'.repeat(MAX_ROWS)}`)).toHaveLength(MAX_ROWS)
  })
})
