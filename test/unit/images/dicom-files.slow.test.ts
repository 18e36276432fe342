import { deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { describeDicomFiles, describeDicomZip } from '../../../src/images/dicom-files.ts'
import { packZip } from '../../fixtures/bundle-builder.ts'
import { aDicom, aDicomZip, aPng, meteredSource } from '../../fixtures/images.ts'

const MIB = 1024 ** 2

describe('a slide of DICOM files', () => {
  it('is described by its largest file', async () => {
    const volume = aDicom({ width: 240, height: 240, pixels: Buffer.alloc(500) })
    const files = [aDicom(), volume, aDicom()].map(meteredSource)

    const slide = await describeDicomFiles(files)

    expect(slide).toEqual({
      fileCount: 3,
      largest: { sizeBytes: volume.length, dimensions: { width: 240, height: 240 } },
    })
  })

  it('has at least one file', async () => {
    expect(await describeDicomFiles([])).toBeUndefined()
  })

  it('contains only DICOM files', async () => {
    expect(await describeDicomFiles([aDicom(), aPng(), Buffer.alloc(0)].map(meteredSource))).toBeUndefined()
  })

  it('has no dimensions when its largest file does not state them', async () => {
    const cut = aDicom().subarray(0, 132)

    const slide = await describeDicomFiles([meteredSource(cut)])

    expect(slide).toEqual({ fileCount: 1, largest: { sizeBytes: 132, dimensions: undefined } })
  })
})

describe('a zip of DICOM files', () => {
  it.each([
    ['deflated', true],
    ['stored', false],
  ])('is described like a folder of its files, without folder entries (%s)', async (_, compress) => {
    const volume = aDicom({ width: 240, height: 240, pixels: Buffer.alloc(3 * MIB) })
    const zip = await aDicomZip({ 'slide/label.dcm': aDicom(), 'slide/volume.dcm': volume }, { compress })

    const slide = await describeDicomZip(meteredSource(zip))

    expect(slide).toEqual({
      fileCount: 2,
      largest: { sizeBytes: volume.length, dimensions: { width: 240, height: 240 } },
    })
  })

  it('is described without files that file managers added', async () => {
    const zip = await aDicomZip({
      'volume.dcm': aDicom(),
      '__MACOSX/._volume.dcm': Buffer.from('attributes'),
      '.DS_Store': Buffer.from('view'),
      'Thumbs.db': Buffer.from('pictures'),
      'desktop.ini': Buffer.from('[.ShellClassInfo]'),
    })

    const slide = await describeDicomZip(meteredSource(zip))

    expect(slide?.fileCount).toBe(1)
  })

  it('is described when values of moderate length precede the dimensions', async () => {
    const before = [{ tag: 0x00091010, representation: 'OB', value: Buffer.alloc(600_000, 'some text') }]
    const zip = await aDicomZip({ 'volume.dcm': aDicom({ width: 240, height: 240, before }) })

    const slide = await describeDicomZip(meteredSource(zip))

    expect(slide?.largest.dimensions).toEqual({ width: 240, height: 240 })
  })

  it('has no dimensions when they come after the first MiB', async () => {
    const before = [{ tag: 0x00091010, representation: 'OB', value: Buffer.alloc(MIB) }]
    const zip = await aDicomZip({ 'volume.dcm': aDicom({ before }) })

    const slide = await describeDicomZip(meteredSource(zip))

    expect(slide?.largest.dimensions).toBeUndefined()
  })

  it.each([
    ['another image', { 'slide/volume.dcm': aDicom(), 'slide/label.png': aPng() }],
    ['an empty file', { 'slide/volume.dcm': aDicom(), 'slide/empty': Buffer.alloc(0) }],
    ['only folders', {}],
  ])('is not a slide with %s', async (_, files) => {
    const zip = await aDicomZip(files)

    expect(await describeDicomZip(meteredSource(zip))).toBeUndefined()
  })

  it('is described without fetching the pixels of its files', async () => {
    const pixels = Buffer.alloc(20 * MIB)
    const zip = await aDicomZip({ 'volume.dcm': aDicom({ pixels }) }, { compress: false })
    const source = meteredSource(zip)

    const slide = await describeDicomZip(source)

    expect(slide?.fileCount).toBe(1)
    expect(Math.max(...source.asked.map(({ length }) => length))).toBeLessThanOrEqual(2 * MIB)
  })

  it('is read several files at a time', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `slice-${index}.dcm`)
    const pixels = Buffer.alloc(300_000)
    const zip = await aDicomZip(Object.fromEntries(names.map((name) => [name, aDicom({ pixels })])), {
      compress: false,
    })
    const source = meteredSource(zip)
    let reading = 0
    let most = 0

    const series = await describeDicomZip({
      sizeBytes: zip.length,
      async read(start, length) {
        reading += 1
        most = Math.max(most, reading)
        await new Promise(setImmediate)
        reading -= 1
        return source.read(start, length)
      },
    })

    expect(series?.fileCount).toBe(40)
    expect(most).toBeGreaterThan(10)
  })

  it('is described with one request for each header, even when many values precede the dimensions', async () => {
    const before = Array.from({ length: 200 }, (_, index) => ({
      tag: 0x00090000 + index,
      representation: 'OB',
      value: Buffer.alloc(5000),
    }))
    const zip = await aDicomZip({ 'volume.dcm': aDicom({ width: 240, height: 240, before }) })
    const source = meteredSource(zip)

    const slide = await describeDicomZip(source)

    expect(slide?.largest.dimensions).toEqual({ width: 240, height: 240 })
    expect(source.asked.length).toBeLessThan(10)
  })

  it('is refused when a name leads out of the folder', async () => {
    const zip = await packZip([{ name: 'xx/volume.dcm', body: aDicom() }])
    const renamed = Buffer.from(zip.toString('latin1').replaceAll('xx/', '../'), 'latin1')

    await expect(describeDicomZip(meteredSource(renamed))).rejects.toMatchObject({ code: 'unsafe-name' })
  })

  it('is refused when it is truncated', async () => {
    const zip = await aDicomZip()

    await expect(describeDicomZip(meteredSource(zip.subarray(0, -30)))).rejects.toMatchObject({
      code: 'corrupt',
    })
  })

  it('is refused when deflated data yields no bytes within the read limit', async () => {
    const emptyBlocks = Buffer.alloc(5 * MIB, Buffer.of(0, 0, 0, 0xff, 0xff))
    const body = Buffer.concat([emptyBlocks, deflateRawSync(aDicom({ pixels: Buffer.alloc(2 * MIB) }))])
    const zip = await packZip([{ name: 'volume.dcm', body }], { compress: false })
    for (const at of [8, zip.lastIndexOf('volume.dcm') - 46 + 10]) zip.writeUInt16LE(8, at)

    await expect(describeDicomZip(meteredSource(zip))).rejects.toMatchObject({ code: 'corrupt' })
  })
})
