import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseIndexPath } from '../../../../src/task/parameters/array.ts'

/** Pattern of the contract (http-api 5.17). */
const CONTRACT = /^(0(\/[0-9]+)*|[1-9][0-9]*(\/[0-9]+)*)$/u

const indexes = fc.array(fc.nat(), { minLength: 1, maxLength: 5 })
const texts = fc.string({ unit: fc.constantFrom('0', '1', '9', '/', '-', ' ', 'x'), maxLength: 8 })

describe('index paths', () => {
  it('list the indexes from the outermost level on', () => {
    fc.assert(
      fc.property(indexes, (path) => {
        expect(parseIndexPath(path.join('/'))).toEqual(path)
      }),
    )
  })

  it('are accepted if they match the pattern of the contract', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(parseIndexPath(text) !== undefined).toBe(CONTRACT.test(text))
      }),
      { numRuns: 1000 },
    )
  })

  it.each(['99999999999999999999', '0/9007199254740992'])(
    'are refused when a number would lose digits: %s',
    (text) => {
      expect(parseIndexPath(text)).toBeUndefined()
    },
  )
})
