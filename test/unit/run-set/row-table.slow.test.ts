import { describe, expect, it } from 'vitest'
import { readRowTable } from '../../../src/run-set/row-table.ts'

describe('a table of inputs', () => {
  it('is refused when it has a million columns', () => {
    const header = Array.from({ length: 1_000_000 }, (_, column) => column.toString(36)).join()

    expect(() => readRowTable(`${header}\n`)).toThrow('columns')
  })
})
