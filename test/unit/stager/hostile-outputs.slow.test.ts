import { execFile, execFileSync } from 'node:child_process'
import { closeSync, existsSync, openSync, symlinkSync } from 'node:fs'
import { mkdir, mkdtemp, rename, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type StagedListing, stagedListingSchema } from '../../../src/contract/staging.ts'
import { listOutputs } from '../../../stager/list-outputs.ts'
import { readable } from '../../../stager/pack-folder.ts'
import { stageOut } from '../../../stager/stage-out.ts'
import { createFollow } from '../../../stager/symbolic-links.ts'
import { closeWebServers } from '../../fixtures/web-server.ts'
import { aFakeBucket, FAST, type FakeBucket } from './fake-bucket.ts'
import { anOutputsApi } from './outputs-api.ts'

let bucket: FakeBucket
let folder: string

beforeEach(async () => {
  bucket = await aFakeBucket()
  // In memory if possible, because creating thousands of files on a disk is slow.
  const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  folder = await mkdtemp(join(place, 'hostile-'))
  await writeFile(join(folder, 'sum'), '42')
})
afterEach(async () => {
  closeWebServers()
  // Node cannot remove paths that are too long.
  execFileSync('rm', ['-rf', folder])
})

/**
 * Uploads the outputs.
 * @returns the listing of stage-out
 */
async function staged(...declared: string[]): Promise<StagedListing> {
  await stageOut(
    anOutputsApi(bucket, declared).api,
    { folder, taskFolder: '/outputs' },
    { jobAttempt: 1 },
    FAST,
  )
  return stagedListingSchema.parse(JSON.parse(bucket.stored.get('/1/staged.json')?.toString() ?? ''))
}

const problemsOf = ({ entries }: StagedListing) =>
  Object.fromEntries(entries.map(({ name, problem }) => [name, problem]))

const path = (...bytes: (string | number[])[]): Buffer =>
  Buffer.concat([Buffer.from(`${folder}/`), ...bytes.map((piece) => Buffer.from(piece as string))])

describe('outputs that cannot be uploaded because of the task', () => {
  it.each([
    ['a backslash', [Buffer.from('back\\slash')], 'masks/back\\slash" has a backslash'],
    ['two backslashes that leave the folder', [Buffer.from('..\\..\\x')], 'has a backslash'],
    ['bytes that are not UTF-8', [Buffer.from([0xff, 0x41])], 'is not UTF-8'],
    [
      'bytes that are not UTF-8, next to a file with their decoded name',
      [Buffer.from([0xff]), Buffer.from('\ufffd')],
      'is not UTF-8',
    ],
    ['half a surrogate pair', [Buffer.from([0xed, 0xa0, 0x80])], 'is not UTF-8'],
  ])('are reported, and the others uploaded: a file whose name has %s', async (_, names, words) => {
    await mkdir(join(folder, 'masks'))
    for (const name of names) await writeFile(path('masks/', [...name]), 'x')

    const listing = await staged('masks', 'sum')

    expect(problemsOf(listing)).toEqual({ masks: expect.stringContaining(words), sum: undefined })
    expect(bucket.stored.get('/1/sum')?.toString()).toBe('42')
    expect(bucket.stored.has('/1/masks')).toBe(false)
  })

  it('are reported: folders that are nested too deeply', async () => {
    await mkdir(join(folder, 'masks', 'd/'.repeat(40)), { recursive: true })
    await writeFile(join(folder, 'masks', 'd/'.repeat(40), '0'), 'x')

    expect(problemsOf(await staged('masks')).masks).toContain('nested more than 32 levels deep')
  })

  it('are reported: a path longer than PATH_MAX', async () => {
    const nine = join(...Array.from({ length: 9 }, () => 'd'.repeat(250)))
    await mkdir(join(folder, 'masks', nine), { recursive: true })
    await mkdir(join(folder, 'other', nine), { recursive: true })
    await writeFile(join(folder, 'other', nine, '0'), 'x')
    // The whole path exceeds the maximum of one system call.
    await rename(join(folder, 'other'), join(folder, 'masks', nine, 'other'))

    expect(problemsOf(await staged('masks', 'sum')).masks).toMatch(/path .* (?:at most 4096|too long)/u)
  })

  it('are reported: more bytes than a run may have', async () => {
    execFileSync('truncate', ['--size=200G', join(folder, 'image')])

    const listing = await staged('image', 'sum')

    expect(problemsOf(listing).image).toContain('the files have more than 161061273600 bytes together')
    expect(bucket.stored.get('/1/sum')?.toString()).toBe('42')
  })

  it('are reported with their kind when they are not files', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')])
    symlinkSync('/etc/hostname', join(folder, 'outside'))
    symlinkSync('circle', join(folder, 'circle'))
    const socket = createServer().listen(join(folder, 'socket'))
    await new Promise((resolve) => socket.once('listening', resolve))

    const problems = Object.fromEntries(
      listOutputs(folder, createFollow(folder, '/outputs')).entries.map(({ name, kind, problem }) => [
        name,
        `${kind}: ${problem}`,
      ]),
    )
    socket.close()

    expect(problems).toEqual({
      pipe: 'other: it is a named pipe, not a file',
      socket: 'other: it is a socket, not a file',
      outside: 'other: it is a link that leaves the output folder, or its target does not exist',
      circle: 'other: it is a link that leaves the output folder, or its target does not exist',
      sum: 'file: undefined',
    })
  })

  it('are reported together when there are too many', async () => {
    for (let i = 0; i <= 10_000; i += 1) closeSync(openSync(join(folder, `x${i}`), 'w'))

    const listing = await staged('sum')

    expect(listing).toEqual({ entries: [], problem: expect.stringContaining('more than 10000 entries') })
  })

  it.each(['EACCES', 'EPERM', 'ENAMETOOLONG'])(
    'are reported: files that the kernel refuses to open with %s',
    (code) => {
      const refuse = () => {
        throw Object.assign(new Error(code), { code })
      }

      expect(() => readable('masks/0', refuse)).toThrow(/^"masks\/0" .*; (?:leave|use) /u)
    },
  )
})

describe('names of a task’s files', () => {
  it('may have any characters that a zip supports', async () => {
    await mkdir(join(folder, 'masks'))
    const names = ['new\nline', '\u001b[31m', 'A', 'a', 'é', 'e\u0301', '..x', ' ', '"', 'C:x', '\u202e', '0']
    for (const name of names) await writeFile(path('masks/', name), 'x')
    await writeFile(join(folder, 'masks/empty'), '')

    const listing = await staged('masks')

    expect(problemsOf(listing)).toEqual({ masks: undefined, sum: undefined })
    expect(bucket.stored.has('/1/masks')).toBe(true)
  })
})

describe('a folder of very many files', () => {
  it('is refused with bounded memory', async () => {
    const masks = join(folder, 'masks')
    await mkdir(masks)
    const name = 'n'.repeat(245)
    for (let i = 0; i < 40_000; i += 1) closeSync(openSync(join(masks, `${name}${i}`), 'w'))
    const program = `
      import { createBudget } from ${JSON.stringify(join(import.meta.dirname, '../../../stager/limits.ts'))}
      import { packFolder } from ${JSON.stringify(join(import.meta.dirname, '../../../stager/pack-folder.ts'))}
      try {
        packFolder(${JSON.stringify(masks)}, 'masks', createBudget({ files: 10_000 }))
      } catch (error) {
        console.log(error.message)
      }`
    const words = ['--max-old-space-size=16', '--input-type=module-typescript', '--eval', program]

    const { stdout } = await promisify(execFile)(process.execPath, words)

    expect(stdout).toContain('the folders have more than 10000 files')
  }, 60_000)
})
