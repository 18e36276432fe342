import { fromArrayBuffer, type GeoTIFFImage } from 'geotiff'
import { describe, expect, it } from 'vitest'
import { levelsOf, MAX_DIRECTORIES } from '../../../console/src/viewer/tiff-levels.ts'

const WIDTH_TAG = 256
const HEIGHT_TAG = 257
const LONG = 4
const ENTRY_BYTES = 12
const DIRECTORY_BYTES = 2 + 2 * ENTRY_BYTES + 4

/**
 * A TIFF without pixels.
 * @param last index of the directory that follows the last one; none when undefined
 */
function aTiff(sizes: readonly (readonly [width: number, height: number])[], last?: number): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(8 + sizes.length * DIRECTORY_BYTES))
  const placeOf = (index: number): number => 8 + index * DIRECTORY_BYTES
  view.setUint16(0, 0x4949)
  view.setUint16(2, 42, true)
  view.setUint32(4, placeOf(0), true)
  for (const [index, size] of sizes.entries()) {
    const place = placeOf(index)
    view.setUint16(place, 2, true)
    for (const [at, tag] of [WIDTH_TAG, HEIGHT_TAG].entries()) {
      const entry = place + 2 + at * ENTRY_BYTES
      view.setUint16(entry, tag, true)
      view.setUint16(entry + 2, LONG, true)
      view.setUint32(entry + 4, 1, true)
      view.setUint32(entry + 8, size[at] ?? 0, true)
    }
    const isLast = index === sizes.length - 1
    const next = isLast ? (last === undefined ? 0 : placeOf(last)) : placeOf(index + 1)
    view.setUint32(place + DIRECTORY_BYTES - 4, next, true)
  }
  return view.buffer as ArrayBuffer
}

const widths = (levels: readonly GeoTIFFImage[]): number[] => levels.map((level) => level.getWidth())

describe('the levels of a TIFF', () => {
  it('are the picture and its smaller copies, largest first, and no labels', async () => {
    const tiff = await fromArrayBuffer(
      aTiff([
        [4000, 2000],
        [300, 900],
        [1000, 500],
        [2000, 1000],
      ]),
    )

    expect(widths(await levelsOf(tiff))).toEqual([4000, 2000, 1000])
  })

  it('are found when the directories form a circle', async () => {
    const circle = aTiff(
      [
        [4000, 2000],
        [2000, 1000],
      ],
      0,
    )

    expect(widths(await levelsOf(await fromArrayBuffer(circle)))).toEqual([4000, 2000])
  })

  it('are searched in the first directories only', async () => {
    const pages = Array.from({ length: 5000 }, () => [100, 100] as const)
    const tiff = await fromArrayBuffer(aTiff([[200, 200], ...pages]))
    let read = 0
    const counted = {
      getImage: (index?: number) => tiff.getImage(index),
      requestIFD(index: number) {
        read += 1
        return tiff.requestIFD(index)
      },
    }

    expect(widths(await levelsOf(counted))).toEqual([200, 100])
    expect(read).toBe(MAX_DIRECTORIES)
  })
})
