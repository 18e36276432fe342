import { mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { createBudget } from '../../../stager/limits.ts'
import { packFolder } from '../../../stager/pack-folder.ts'
import { safePath } from '../../../stager/safe-path.ts'
import { createFollow } from '../../../stager/symbolic-links.ts'
import { unpackZip } from '../../../stager/unpack-zip.ts'
import { packZip } from '../../fixtures/bundle-builder.ts'

const aFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'folders-'))

async function write(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
}

async function read(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const texts = await Promise.all(
    files.map(async (file) => [file.slice(folder.length + 1), await readFile(file, 'utf8')] as const),
  )
  return Object.fromEntries(texts)
}

/** Files of the folder after it was packed and unpacked. */
async function carried(folder: string, name = 'out'): Promise<Record<string, string>> {
  const packed = packFolder(folder, name, createBudget())
  const bytes = await buffer(Readable.from(packed.open()))
  expect(bytes.length).toBe(packed.sizeBytes)
  return unpacked(bytes)
}

/** Files of a folder into which these bytes were unpacked. */
async function unpacked(bytes: Buffer, budget = createBudget()): Promise<Record<string, string>> {
  const [place, target] = [await aFolder(), await aFolder()]
  const zip = join(place, 'archive.zip')
  await writeFile(zip, bytes)
  await unpackZip('images', zip, target, budget)
  return read(target)
}

describe('a folder that is packed and unpacked', () => {
  it('has the same files below its name', async () => {
    const folder = await aFolder()
    const files = {
      'array.yml': 'size: 2',
      '0': '',
      '1/array.yml': 'size: 1',
      '1/0': 'ü'.repeat(1_000_000),
    }
    await write(folder, files)

    expect(await carried(folder)).toEqual(
      Object.fromEntries(Object.entries(files).map(([path, text]) => [`out/${path}`, text])),
    )
  })

  it('lacks links that leave the outputs, lead nowhere or form a cycle', async () => {
    const folder = await aFolder()
    await write(folder, { '0': 'five', 'inner/0': 'six' })
    await symlink('/etc/passwd', join(folder, '1'))
    await symlink('/etc', join(folder, '3'))
    await symlink('..', join(folder, '4'))
    await symlink('nowhere', join(folder, '5'))
    await symlink('6', join(folder, '6'))
    await symlink(folder, join(folder, 'inner', 'itself'))
    await symlink('.', join(folder, 'inner', 'loop'))
    await symlink('../inner', join(folder, 'inner', 'again'))

    expect(await carried(folder)).toEqual({ 'out/0': 'five', 'out/inner/0': 'six' })
  })

  it('has the targets of links within the outputs', async () => {
    const outputs = await aFolder()
    await write(outputs, { mask: 'a mask', 'out/array.yml': 'size: 4', 'out/0': 'zero', 'slide/a': 'A' })
    await symlink('0', join(outputs, 'out', '1'))
    await symlink('/data/results/mask', join(outputs, 'out', '2'))
    await symlink('/data/results/../results/slide', join(outputs, 'out', '3'))

    const packed = packFolder(
      join(outputs, 'out'),
      'out',
      createBudget(),
      createFollow(outputs, '/data/results'),
    )

    expect(await unpacked(await buffer(Readable.from(packed.open())))).toEqual({
      'out/array.yml': 'size: 4',
      'out/0': 'zero',
      'out/1': 'zero',
      'out/2': 'a mask',
      'out/3/a': 'A',
    })
  })

  it('may be empty', async () => {
    expect(await carried(await aFolder())).toEqual({})
  })
})

describe('packing a folder', () => {
  it.each([
    ['files', { files: 1, bytes: 1000 }, 'the folders have more than 1 files'],
    ['bytes of names', { nameBytes: 9 }, 'the paths of all files in folders have more than 9 bytes'],
    ['bytes', { files: 10, bytes: 5 }, 'the files have more than 5 bytes together'],
  ])('fails with a reason when there are too many %s', async (_, limits, reason) => {
    const folder = await aFolder()
    await write(folder, { a: 'one', b: 'two' })

    expect(() => packFolder(folder, 'out', createBudget(limits))).toThrow(reason)
  })

  it('fails with a reason when folders are nested too deeply', async () => {
    const folder = await aFolder()
    await write(folder, { [`${'d/'.repeat(32)}file`]: 'deep' })

    expect(() => packFolder(folder, 'out', createBudget())).toThrow('nested more than 32 levels deep')
  })

  it('fails with a reason when links multiply folders', async () => {
    const outputs = await aFolder()
    for (let level = 0; level < 25; level += 1) {
      await mkdir(join(outputs, `d${level}`))
      await symlink(`../d${level + 1}`, join(outputs, `d${level}`, 'a'))
      await symlink(`../d${level + 1}`, join(outputs, `d${level}`, 'b'))
    }
    await mkdir(join(outputs, 'd25'))
    const pack = () =>
      packFolder(
        join(outputs, 'd0'),
        'd0',
        createBudget({ files: 1000, bytes: 1 }),
        createFollow(outputs, '/outputs'),
      )

    expect(pack).toThrow('the folders have more than 1000 files')
  })
})

describe('a zip that is unpacked into a folder', () => {
  it('may be deflated, contain folder entries, and have any order', async () => {
    const bytes = await packZip([
      { name: 'b/' },
      { name: 'b/2', body: 'two'.repeat(500) },
      { name: 'a', body: '1' },
    ])

    expect(await unpacked(bytes)).toEqual({ a: '1', 'b/2': 'two'.repeat(500) })
  })

  it.each(['../evil', '/etc/evil', 'in/../../evil'])('is refused with a file named %s', async (name) => {
    const outer = await aFolder()
    const target = join(outer, 'inputs')
    await mkdir(target)
    const harmless = 'x'.repeat(name.length)
    const bytes = await packZip([
      { name: 'first', body: 'good' },
      { name: harmless, body: 'evil' },
    ])
    const zip = join(target, 'archive.zip')
    await writeFile(zip, bytes.toString('latin1').replaceAll(harmless, name), 'latin1')

    await expect(unpackZip('images', zip, target, createBudget())).rejects.toThrow('unpacking images')

    expect(await read(outer)).toEqual({ 'inputs/archive.zip': expect.any(String) })
  })

  it('is refused when it is truncated', async () => {
    const bytes = await packZip([{ name: 'a', body: 'x'.repeat(1000) }])

    await expect(unpacked(bytes.subarray(0, bytes.length - 40))).rejects.toThrow('unpacking images')
  })

  it('is refused when the bytes of an entry do not match its checksum', async () => {
    const bytes = await packZip([{ name: 'a', body: 'unique content' }], { compress: false })
    bytes[bytes.indexOf('unique')] = 0

    await expect(unpacked(bytes)).rejects.toThrow('"a" has the wrong checksum')
  })

  it('is refused when an entry is larger than announced', async () => {
    const bytes = await packZip([{ name: 'a', body: 'x'.repeat(5000) }])
    const lie = Buffer.alloc(4)
    lie.writeUInt32LE(5000)
    for (let at = bytes.indexOf(lie); at >= 0; at = bytes.indexOf(lie, at)) bytes.writeUInt32LE(50, at)

    await expect(unpacked(bytes)).rejects.toThrow('unpacking images')
  })

  it('is refused when two entries have the same name', async () => {
    const bytes = await packZip([
      { name: 'aa', body: '1' },
      { name: 'bb', body: '2' },
    ])
    const twice = Buffer.from(bytes.toString('latin1').replaceAll('bb', 'aa'), 'latin1')

    await expect(unpacked(twice)).rejects.toThrow('EEXIST')
  })

  it.each([
    ['entries', { files: 1, bytes: 1000 }, 'unpacking images: the folders have more than 1 files'],
    ['bytes', { files: 10, bytes: 100 }, 'unpacking images: the files have more than 100 bytes together'],
  ])('is refused when it announces too many %s', async (_, limits, reason) => {
    const bytes = await packZip([
      { name: 'a', body: 'x'.repeat(90) },
      { name: 'b', body: 'x'.repeat(90) },
    ])

    await expect(unpacked(bytes, createBudget(limits))).rejects.toThrow(reason)
  })

  it('is refused when its folders are nested too deeply', async () => {
    const bytes = await packZip([{ name: `${'d/'.repeat(32)}file`, body: 'x' }])

    await expect(unpacked(bytes)).rejects.toThrow('nested more than 32 levels deep')
  })
})

describe('the path of an input', () => {
  it.each(['../escape', '/etc/passwd', 'a/../../b', '', '.', 'a/..', 'a\0b'])('may not be %j', (path) => {
    expect(() => safePath(path)).toThrow('leaves the folder')
  })
})
