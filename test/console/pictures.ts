import { crc32, deflateSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { GRID } from './every-type-task.ts'

/* Images that look like tissue, with nuclei at the positions of the outlines of `every-type-task.ts`. */

type Colour = readonly [red: number, green: number, blue: number]

/** Colour of a position, whose y is counted from the bottom as in geometries. */
type At = (x: number, y: number) => Colour

function tissueAt(x: number, y: number): Colour {
  const column = Math.floor(x / GRID.step)
  const row = Math.floor(y / GRID.step)
  const [dx, dy] = [x - (column + 0.5) * GRID.step, y - (row + 0.5) * GRID.step]
  const radius = 4 + ((row * 7 + column * 3) % 5) * 0.2
  const wave = 10 * Math.sin(x / 97) * Math.cos(y / 131) + 5 * Math.sin((x + y) / 23)
  const isNucleus = Math.hypot(dx, dy) < radius
  return isNucleus ? [118 + wave, 82 + wave, 150 + wave] : [232 + wave, 188 + wave, 214 + wave]
}

/** Light, but dark where x and y are less than half of the width and of the height. */
export function darkQuarter(width: number, height: number): At {
  return (x, y) => (x < width / 2 && y < height / 2 ? [40, 40, 40] : [240, 240, 240])
}

/** @param at colour of the pixel in a column and a row, counted from the top */
function rgbOf(width: number, height: number, at: At): Buffer {
  const pixels = Buffer.alloc(width * height * 3)
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const colour = at(x, y)
      for (let sample = 0; sample < 3; sample += 1)
        pixels[(y * width + x) * 3 + sample] = Math.max(0, Math.min(255, colour[sample] ?? 0))
    }
  }
  return pixels
}

/** Looks like tissue unless `at` returns other colours. */
export function tissuePng(width: number, height: number, at = tissueAt): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const pixels = rgbOf(width, height, (x, row) => at(x, height - 1 - row))
  const rows = Buffer.alloc((width * 3 + 1) * height)
  for (let y = 0; y < height; y += 1)
    pixels.copy(rows, y * (width * 3 + 1) + 1, y * width * 3, (y + 1) * width * 3)
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(name: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  const named = Buffer.concat([Buffer.from(name, 'latin1'), body])
  const check = Buffer.alloc(4)
  check.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, check])
}

/** A JPEG in a colour of tissue, encoded by the browser. */
export async function tissueJpeg(page: Page, width: number, height: number): Promise<Buffer> {
  const encoded = await page.evaluate(`(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: ${width}, height: ${height} })
    const context = canvas.getContext('2d')
    context.fillStyle = 'rgb(232 188 214)'
    context.fillRect(0, 0, ${width}, ${height})
    return canvas.toDataURL('image/jpeg')
  })()`)
  return Buffer.from(String(encoded).split(',')[1] ?? '', 'base64')
}

/** A plain TIFF of tissue: one strip, not compressed, most significant byte first. */
export function tissueTiff(width: number, height: number): Buffer {
  const pixels = rgbOf(width, height, (x, row) => tissueAt(x, height - 1 - row))
  const [SHORT, LONG] = [3, 4]
  const fields: readonly (readonly [tag: number, type: number, count: number, value: number])[] = [
    [256, LONG, 1, width],
    [257, LONG, 1, height],
    [258, SHORT, 3, 8 + pixels.length],
    [259, SHORT, 1, 1],
    [262, SHORT, 1, 2],
    [273, LONG, 1, 8],
    [277, SHORT, 1, 3],
    [278, LONG, 1, height],
    [279, LONG, 1, pixels.length],
  ]
  const header = Buffer.alloc(8)
  header.write('MM', 'latin1')
  header.writeUInt16BE(42, 2)
  header.writeUInt32BE(8 + pixels.length + 6, 4)
  const bits = Buffer.from([0, 8, 0, 8, 0, 8])
  const directory = Buffer.alloc(2 + 12 * fields.length + 4)
  directory.writeUInt16BE(fields.length, 0)
  fields.forEach(([tag, type, count, value], index) => {
    const start = 2 + 12 * index
    directory.writeUInt16BE(tag, start)
    directory.writeUInt16BE(type, start + 2)
    directory.writeUInt32BE(count, start + 4)
    // A single SHORT is left-aligned in the value field.
    if (type === SHORT && count === 1) directory.writeUInt16BE(value, start + 8)
    else directory.writeUInt32BE(value, start + 8)
  })
  return Buffer.concat([header, pixels, bits, directory])
}

const TILE = 256

/** A tiled BigTIFF, deflated, with smaller levels down to one tile. */
export function tissueBigTiff(width: number, height: number, at = tissueAt): Buffer {
  const parts: Buffer[] = [Buffer.alloc(16)]
  let offset = 16
  const put = (part: Buffer): number => {
    const at = offset
    parts.push(part)
    offset += part.length
    return at
  }
  const directories: { at: number; nextField: number }[] = []
  for (let scale = 1; ; scale *= 2) {
    const [w, h] = [Math.ceil(width / scale), Math.ceil(height / scale)]
    const { part, nextField } = level(w, h, (x, row) => at(x * scale, height - 1 - row * scale), put)
    directories.push({ at: put(part), nextField })
    if (w <= TILE && h <= TILE) break
  }
  const file = Buffer.concat(parts)
  file.write('II', 'latin1')
  file.writeUInt16LE(43, 2)
  file.writeUInt16LE(8, 4)
  let field = 8
  for (const { at, nextField } of directories) {
    file.writeBigUInt64LE(BigInt(at), field)
    field = at + nextField
  }
  return file
}

/**
 * Writes the tiles of one level.
 * @returns the level's directory, and the position in it of the offset of the next directory
 */
function level(
  width: number,
  height: number,
  at: At,
  put: (part: Buffer) => number,
): { part: Buffer; nextField: number } {
  const offsets: number[] = []
  const sizes: number[] = []
  for (let top = 0; top < height; top += TILE) {
    for (let left = 0; left < width; left += TILE) {
      const tile = deflateSync(rgbOf(TILE, TILE, (x, y) => at(left + x, top + y)))
      offsets.push(put(tile))
      sizes.push(tile.length)
    }
  }
  const [SHORT, LONG8] = [3, 16]
  const longs = (values: readonly number[]): Buffer => {
    const bytes = Buffer.alloc(8 * values.length)
    for (const [index, value] of values.entries()) bytes.writeBigUInt64LE(BigInt(value), 8 * index)
    return bytes
  }
  const fields: (readonly [tag: number, type: number, values: readonly number[]])[] = [
    [256, LONG8, [width]],
    [257, LONG8, [height]],
    [258, SHORT, [8, 8, 8]],
    [259, SHORT, [8]],
    [262, SHORT, [2]],
    [277, SHORT, [3]],
    [322, LONG8, [TILE]],
    [323, LONG8, [TILE]],
    [324, LONG8, offsets],
    [325, LONG8, sizes],
  ]
  const directory = Buffer.alloc(8 + 20 * fields.length + 8)
  directory.writeBigUInt64LE(BigInt(fields.length), 0)
  fields.forEach(([tag, type, values], index) => {
    const start = 8 + 20 * index
    directory.writeUInt16LE(tag, start)
    directory.writeUInt16LE(type, start + 2)
    directory.writeBigUInt64LE(BigInt(values.length), start + 4)
    if (type === SHORT)
      for (const [at, value] of values.entries()) directory.writeUInt16LE(value, start + 12 + 2 * at)
    else if (values.length === 1) directory.writeBigUInt64LE(BigInt(values[0] ?? 0), start + 12)
    else directory.writeBigUInt64LE(BigInt(put(longs(values))), start + 12)
  })
  return { part: directory, nextField: 8 + 20 * fields.length }
}
