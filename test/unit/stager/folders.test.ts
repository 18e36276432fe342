import { mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { packFolder, unpackFolder } from '../../../stager/folders.ts'
import { safePath } from '../../../stager/stage-in.ts'
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

/** The folder's zip, unpacked elsewhere. */
async function carried(folder: string, name = 'out'): Promise<Record<string, string>> {
  const target = await aFolder()
  const zip = join(target, 'archive.zip')
  const { sizeBytes, stream } = await packFolder(folder, name)
  const bytes = await buffer(stream)
  expect(bytes.length).toBe(sizeBytes)
  await writeFile(zip, bytes)
  await unpackFolder(zip, target, safePath)
  return read(target)
}

describe('a folder that is packed and unpacked', () => {
  it('has the same files below its name, and the zip is gone', async () => {
    const folder = await aFolder()
    const files = { 'array.yml': 'size: 2', '0': '', '1/array.yml': 'size: 1', '1/0': 'ü'.repeat(100_000) }
    await write(folder, files)

    expect(await carried(folder)).toEqual(
      Object.fromEntries(Object.entries(files).map(([path, text]) => [`out/${path}`, text])),
    )
  })

  it('leaves links out, wherever they point', async () => {
    const folder = await aFolder()
    await write(folder, { '0': 'five', 'inner/0': 'six' })
    await symlink('/etc/passwd', join(folder, '1'))
    await symlink(join(folder, '0'), join(folder, '2'))
    await symlink('/etc', join(folder, '3'))
    await symlink(folder, join(folder, 'inner', 'loop'))

    expect(await carried(folder)).toEqual({ 'out/0': 'five', 'out/inner/0': 'six' })
  })

  it('may have nothing in it', async () => {
    expect(await carried(await aFolder())).toEqual({})
  })
})

describe('a zip for a folder', () => {
  it.each(['../evil', '/etc/evil', 'in/../../evil'])('is refused with a file named %s', async (name) => {
    const outer = await aFolder()
    const target = join(outer, 'inputs')
    await mkdir(target)
    const harmless = 'x'.repeat(name.length)
    const bytes = await packZip([{ name: harmless, body: 'evil' }])
    const zip = join(target, 'archive.zip')
    await writeFile(zip, bytes.toString('latin1').replaceAll(harmless, name), 'latin1')

    await expect(unpackFolder(zip, target, safePath)).rejects.toThrow()

    expect(await read(outer)).toEqual({ 'inputs/archive.zip': expect.any(String) })
  })

  it('is refused when it is cut short', async () => {
    const target = await aFolder()
    const zip = join(target, 'archive.zip')
    const bytes = await packZip([{ name: 'a', body: 'x'.repeat(1000) }])
    await writeFile(zip, bytes.subarray(0, bytes.length - 40))

    await expect(unpackFolder(zip, target, safePath)).rejects.toThrow()
  })
})
