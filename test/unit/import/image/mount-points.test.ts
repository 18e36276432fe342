import { describe, expect, it } from 'vitest'
import { requireMountable, scanMountPoints } from '../../../../src/import/image/mount-points.ts'
import { type FileEntry, packTar } from '../../../fixtures/bundle-builder.ts'

const FOLDERS = ['/inputs', '/data/out']

/** Entries of a layer at the mount points, when the layer is read in pieces of this size. */
async function factsOf(entries: readonly FileEntry[], pieceBytes = 10_000) {
  return factsIn(await packTar(entries), pieceBytes)
}

function factsIn(tar: Buffer, pieceBytes = 10_000) {
  const scan = scanMountPoints(FOLDERS)
  for (let at = 0; at < tar.length; at += pieceBytes) {
    const piece = Buffer.from(tar.subarray(at, at + pieceBytes))
    scan.take(piece)
    // Overwrites the piece, like a decoder that reuses its memory.
    piece.fill(0xff)
  }
  return scan.facts()
}

const link = (name: string, linkname = '/usr'): FileEntry => ({ name, type: 'symlink', linkname })
const folder = (name: string): FileEntry => ({ name: `${name}/`, type: 'directory' })

describe('the entry of a layer at a mount point', () => {
  it.each([1, 511, 512, 513, 100_000])('is found in pieces of %d bytes', async (pieceBytes) => {
    const entries = [
      { name: 'bin/sh', body: 'x'.repeat(1500) },
      { name: `${'long/'.repeat(60)}name`, body: 'y' },
      folder('data'),
      link('./inputs'),
      { name: 'data/out', body: 'a file' },
      { name: 'after', body: '' },
    ]

    expect(await factsOf(entries, pieceBytes)).toEqual({ inputs: 'link', data: 'folder', 'data/out': 'file' })
  })

  it('does not exist in an ordinary layer', async () => {
    expect(
      await factsOf([
        { name: 'inputs2', body: '' },
        { name: 'home/inputs', body: '' },
      ]),
    ).toEqual({})
  })

  it('is a file when it is a hard link, whose target may be a link', async () => {
    expect(await factsOf([link('x'), { name: 'inputs', type: 'link', linkname: 'x' }])).toEqual({
      inputs: 'file',
    })
  })

  it('is a link that is written through another link of the layer', async () => {
    expect(await factsOf([link('a', '.'), link('a/inputs')])).toEqual({ inputs: 'link' })
    expect(await factsOf([link('opt/b', '../data'), { name: 'opt/b/c/out', body: '' }])).toEqual({
      'data/out': 'file',
    })
    // Folders below a link are not reported, nor are links without entries below them, which most layers have.
    expect(await factsOf([link('a', '.'), folder('a/inputs'), link('lib'), link('home/inputs')])).toEqual({})
  })

  it('is `gone` after a whiteout, unless the path is created again', async () => {
    expect(await factsOf([{ name: '.wh.inputs' }, { name: 'data/.wh..wh..opq' }])).toEqual({
      inputs: 'gone',
      'data/out': 'gone',
    })
    expect(await factsOf([link('inputs'), { name: '.wh.inputs' }])).toEqual({ inputs: 'link' })
  })

  it('is found after a sparse file of GNU tar', async () => {
    const sparse = await packTar([{ name: 'sparse', body: '' }])
    const header = sparse.subarray(0, 512)
    header.write('S', 156)
    header.writeUInt8(1, 482)
    header.fill(' ', 148, 156)
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    const map = Buffer.alloc(512)

    expect(factsIn(Buffer.concat([header, map, await packTar([link('inputs')])]))).toEqual({ inputs: 'link' })
  })

  it('does not exist when the tar is truncated or invalid', async () => {
    expect(factsIn(Buffer.concat([Buffer.alloc(1024), await packTar([link('inputs')])]))).toEqual({})
    expect(factsIn(Buffer.from('no tar at all'.repeat(100)))).toEqual({})
  })
})

describe('an image', () => {
  const check = (...layers: Parameters<typeof requireMountable>[1]) => requireMountable(FOLDERS, layers)

  it.each([
    ['a link at a folder', [{ inputs: 'link' }]],
    ['a link on the way to a folder', [{ data: 'link' }]],
    ['a link in a higher layer', [{ inputs: 'folder' }, { inputs: 'link' }]],
    [
      'a link that was removed and created again',
      [{ inputs: 'link' }, { inputs: 'gone' }, { inputs: 'link' }],
    ],
    ['a file at a folder', [{ 'data/out': 'file' }]],
  ] as const)('is refused with %s', (_, layers) => {
    expect(() => check(...layers)).toThrow(/^the image has a (?:link|file) at "\/(?:inputs|data)/u)
  })

  it.each([
    ['nothing at its folders', [{}]],
    ['folders', [{ inputs: 'folder', data: 'folder', 'data/out': 'folder' }]],
    ['a link that a higher layer removes', [{ inputs: 'link' }, { inputs: 'gone' }]],
    ['a link that a higher layer replaces by a folder', [{ inputs: 'link' }, { inputs: 'folder' }]],
    ['a link in a folder that a higher layer removes', [{ 'data/out': 'link' }, { data: 'gone' }]],
  ] as const)('is accepted with %s', (_, layers) => {
    expect(() => check(...layers)).not.toThrow()
  })
})
