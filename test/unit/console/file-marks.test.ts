import { describe, expect, it } from 'vitest'
import { differenceOfFiles } from '../../../console/src/pages/compare/file-marks.ts'

const mark = (sizeBytes: number, etag: string) => ({ sizeBytes, etag })

describe('two files in the comparison of runs', () => {
  it.each([
    ['with the same content', mark(5, '"a"'), mark(5, '"a"'), 'none'],
    ['of different sizes', mark(5, '"a"'), mark(6, '"b-2"'), 'some'],
    ['of the same size with different contents', mark(5, '"a"'), mark(5, '"b"'), 'some'],
    ['that were stored in parts', mark(5, '"a-2"'), mark(5, '"b-3"'), 'unknown'],
    ['of which one cannot be read', undefined, mark(5, '"a"'), 'unknown'],
  ])('are compared by size and ETag: %s', (_, one, other, difference) => {
    expect(differenceOfFiles(one, other)).toBe(difference)
    expect(differenceOfFiles(other, one)).toBe(difference)
  })
})
