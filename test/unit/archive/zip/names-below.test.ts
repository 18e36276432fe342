import { describe, expect, it } from 'vitest'
import { namesBelow } from '../../../../src/archive/zip/names-below.ts'

describe('the index of names by folder', () => {
  it('finds all files of a folder, and none of a folder with the same prefix', () => {
    const names = ['a/10/x', 'a/1/y', 'a/1', 'a/1.geojson', 'a/1/b/z', 'a/1/x', 'a/2/x', 'b/1/x']
    const below = namesBelow(() => names)

    expect(below('a/1/')).toEqual(['a/1/b/z', 'a/1/x', 'a/1/y'])
    expect(below('a/10/')).toEqual(['a/10/x'])
    expect(below('a/3/')).toEqual([])
    expect(below('z/')).toEqual([])
  })

  it('finds names in any script', () => {
    const names = ['ä/é', 'ä/z', 'ä/😀', 'ä/\uffee', 'zz/a']

    expect(namesBelow(() => names)('ä/')).toEqual(['ä/z', 'ä/é', 'ä/😀', 'ä/\uffee'])
  })

  it('sorts the names once for all calls', () => {
    let seen = 0
    function* names(): Generator<string> {
      for (let index = 0; index < 1000; index += 1) {
        seen += 1
        yield `a/${index}/x`
      }
    }
    const below = namesBelow(names)
    for (let index = 0; index < 1000; index += 1) {
      expect(below(`a/${index}/`)).toEqual([`a/${index}/x`])
    }

    expect(seen).toBe(1000)
  })
})
