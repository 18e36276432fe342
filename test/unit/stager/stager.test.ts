import { mkdir, mkdtemp, readdir, readFile, realpath, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  KEPT_OF_FAILED_TASK,
  type OutputEntry,
  type StagedInputs,
  stagedListingSchema,
} from '../../../src/contract/staging.ts'
import { MAX_COPIED_BYTES, MAX_COPIED_FILES } from '../../../src/inputs/prepared-file.ts'
import { createBudget } from '../../../stager/limits.ts'
import { listOutputs } from '../../../stager/list-outputs.ts'
import { packFolder } from '../../../stager/pack-folder.ts'
import { stageIn } from '../../../stager/stage-in.ts'
import { stageOut } from '../../../stager/stage-out.ts'
import { createFollow } from '../../../stager/symbolic-links.ts'
import { packZip } from '../../fixtures/bundle-builder.ts'
import { rawZip } from '../../fixtures/raw-zip.ts'
import { closeWebServers } from '../../fixtures/web-server.ts'
import { aFakeBucket, FAST, type FakeBucket, someBytes } from './fake-bucket.ts'
import { anOutputsApi } from './outputs-api.ts'

const aFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'stager-'))

/** Changes the checksum of an entry. */
const damage = (record: Buffer): void => void record.writeUInt32LE(1, 16)

/** Entries of an output folder that is `/data/results` in the task's container. */
async function listed(folder: string): Promise<readonly OutputEntry[]> {
  const root = await realpath(folder)
  return listOutputs(root, createFollow(root, '/data/results')).entries
}

let bucket: FakeBucket

beforeEach(async () => {
  bucket = await aFakeBucket()
})
afterEach(() => {
  closeWebServers()
})

describe('stage-in', () => {
  const stage = async (files: () => StagedInputs['files']) => {
    const [inputs, outputs] = [await aFolder(), await aFolder()]
    const count = await stageIn({ inputs: async () => ({ files: files() }) }, inputs, outputs, FAST)
    return { inputs, outputs, count }
  }
  const remote = (path: string, kind: 'url' | 'tree' = 'url') => ({
    path,
    content: { kind, url: bucket.url(`/${path}`), sizeBytes: bucket.stored.get(`/${path}`)?.length ?? 0 },
  })

  it('writes small and large inputs, and makes both folders accessible to any user', async () => {
    bucket.stored.set('/large', someBytes(4500))

    const { inputs, outputs, count } = await stage(() => [
      { path: 'count', content: { kind: 'inline', text: '7' } },
      remote('large'),
    ])

    expect(await readFile(join(inputs, 'count'), 'utf8')).toBe('7')
    expect((await readFile(join(inputs, 'large'))).equals(someBytes(4500))).toBe(true)
    expect((await stat(join(inputs, 'count'))).mode & 0o777).toBe(0o666)
    expect((await stat(inputs)).mode & 0o777).toBe(0o777)
    expect((await stat(outputs)).mode & 0o777).toBe(0o777)
    expect(count).toBe(2)
  })

  it('unpacks a folder and large items, and leaves no zip', async () => {
    bucket.stored.set(
      '/masks',
      await packZip([
        { name: 'masks/array.yml', body: 'size: 2' },
        { name: 'masks/0', body: 'a' },
      ]),
    )
    bucket.stored.set('/masks/1', someBytes(2000))

    const { inputs } = await stage(() => [remote('masks', 'tree'), remote('masks/1')])

    expect(await readdir(inputs)).toEqual(['masks'])
    expect((await readdir(join(inputs, 'masks'))).sort()).toEqual(['0', '1', 'array.yml'])
    expect((await stat(join(inputs, 'masks'))).mode & 0o777).toBe(0o777)
  })

  it('unpacks a zip of the client into the folder of its parameter', async () => {
    bucket.stored.set('/scan', await packZip([{ name: 'series/1.dcm', body: 'slice'.repeat(1000) }]))
    const { path, content } = remote('scan', 'tree')

    const { inputs } = await stage(() => [{ path, content: { ...content, kind: 'tree', below: 'scan' } }])

    expect(await readdir(inputs)).toEqual(['scan'])
    expect(await readFile(join(inputs, 'scan/series/1.dcm'), 'utf8')).toBe('slice'.repeat(1000))
  })

  it('ignores files that file managers added to a zip of the client', async () => {
    bucket.stored.set(
      '/scan',
      await packZip([{ name: '1.dcm', body: 'slice' }, { name: '__MACOSX/._1.dcm' }, { name: 'Thumbs.db' }]),
    )
    const { path, content } = remote('scan', 'tree')

    const { inputs } = await stage(() => [{ path, content: { ...content, kind: 'tree', below: 'scan' } }])

    expect(await readdir(join(inputs, 'scan'))).toEqual(['1.dcm'])
  })

  it.each([
    ['a name that leads upwards', [{ name: '../1.dcm', body: 'slice' }], 'leads out of its folder'],
    ['a file that is also a folder', [{ name: '1.dcm' }, { name: '1.dcm/2.dcm' }], 'unpacking scan'],
    ['folders that are nested too deeply', [{ name: `${'a/'.repeat(40)}1.dcm` }], '32 levels deep'],
    ['a damaged entry', [{ name: '1.dcm', body: 'slice', record: damage }], 'checksum'],
  ])('refuses a zip of the client with %s', async (_, entries, words) => {
    bucket.stored.set('/scan', rawZip(entries))
    const { path, content } = remote('scan', 'tree')

    await expect(
      stage(() => [{ path, content: { ...content, kind: 'tree', below: 'scan' } }]),
    ).rejects.toThrow(words)
  })

  it('requests new URLs from the App Engine when its URLs have expired', async () => {
    for (const name of ['/a', '/b', '/c']) bucket.stored.set(name, someBytes(100))
    let calls = 0

    const { inputs } = await stage(() => {
      const files = ['a', 'b', 'c'].map((name) => remote(name))
      calls += 1
      if (calls === 1) bucket.expire()
      return files
    })

    expect((await readdir(inputs)).sort()).toEqual(['a', 'b', 'c'])
    expect(calls).toBe(2)
  })

  it('refuses a path that leaves the folder', async () => {
    await expect(
      stage(() => [{ path: '../escape', content: { kind: 'inline', text: 'x' } }]),
    ).rejects.toThrow('leaves the folder')
  })
})

describe('stage-out', () => {
  const anApi = (...declared: readonly string[]) => anOutputsApi(bucket, declared)
  const partsOf = (name: string, count: number): Buffer =>
    Buffer.concat(
      Array.from({ length: count }, (_, i) => bucket.stored.get(`/${name}/${i + 1}`) ?? Buffer.alloc(0)),
    )

  it('uploads the files that the API accepts, and finally the listing', async () => {
    const folder = await aFolder()
    await writeFile(join(folder, 'sum'), '42')
    await writeFile(join(folder, 'empty'), '')
    await writeFile(join(folder, 'scratch'), 'x')
    await writeFile(join(folder, 'debug.log'), 'x')
    const { api, told } = anApi('sum', 'empty')

    const count = await stageOut(api, { folder, taskFolder: '/outputs' }, { jobAttempt: 2 }, FAST)

    expect(told.entries.map((entry) => entry.name)).toEqual(['empty', 'scratch', 'sum'])
    expect(bucket.stored.get('/2/sum')?.toString()).toBe('42')
    expect(bucket.stored.get('/2/empty')?.length).toBe(0)
    expect(bucket.requests.at(-1)).toBe('PUT /2/staged.json')
    expect(JSON.parse(bucket.stored.get('/2/staged.json')?.toString() ?? '')).toEqual({
      entries: told.entries,
      others: ['debug.log'],
    })
    expect(count).toBe(2)
  })

  it('uploads the target of a link within the folder, under the name of the link', async () => {
    const folder = await aFolder()
    await writeFile(join(folder, 'real'), '42')
    await mkdir(join(folder, 'list'))
    await writeFile(join(folder, 'list', 'array.yml'), 'size: 0')
    await symlink('/outputs/real', join(folder, 'sum'))
    await symlink('/outputs/list', join(folder, 'sums'))
    const { api } = anApi('sum', 'sums')

    await stageOut(api, { folder, taskFolder: '/outputs' }, { jobAttempt: 1 }, FAST)

    expect(bucket.stored.get('/1/sum')?.toString()).toBe('42')
    expect(bucket.stored.get('/1/sums')?.toString('latin1')).toContain('sums/array.yml')
  })

  it('uploads a large file in parts', async () => {
    const folder = await aFolder()
    await writeFile(join(folder, 'image'), someBytes(4500))
    const { api, told } = anApi('image')

    await stageOut(api, { folder, taskFolder: '/outputs' }, { jobAttempt: 1 }, FAST)

    expect(partsOf('image', 5).equals(someBytes(4500))).toBe(true)
    expect(told.completed).toEqual([{ jobAttempt: 1, name: 'image', multipartId: 'id', sizeBytes: 4500 }])
  })

  it('uploads the zip of a large folder in parts', async () => {
    const folder = await aFolder()
    await mkdir(join(folder, 'masks'))
    for (const index of [0, 1, 2]) await writeFile(join(folder, 'masks', String(index)), someBytes(1500))
    const { api, told } = anApi('masks')

    await stageOut(api, { folder, taskFolder: '/outputs' }, { jobAttempt: 1 }, FAST)

    const packed = packFolder(join(folder, 'masks'), 'masks', createBudget())
    expect(partsOf('masks', 5).equals(await buffer(Readable.from(packed.open())))).toBe(true)
    expect(told.completed[0]?.sizeBytes).toBe(packed.sizeBytes)
  })

  describe('after a task that failed', () => {
    const kept = { bytes: 5000, files: 3, seconds: 60 }
    /**
     * Runs stage-out with these limits.
     * @returns number of uploaded files, listing and problems
     */
    async function keep(folder: string, declared: readonly string[], limits: Partial<typeof kept> = {}) {
      const { api } = anApi(...declared)
      const end = { jobAttempt: 1, exitCode: 3, kept: { ...kept, ...limits } }
      const count = await stageOut(api, { folder, taskFolder: '/outputs' }, end, FAST)
      const listing = stagedListingSchema.parse(
        JSON.parse(bucket.stored.get('/1/staged.json')?.toString() ?? ''),
      )
      const problems = Object.fromEntries(listing.entries.map(({ name, problem }) => [name, problem]))
      return { count, listing, problems }
    }

    it('uploads what the task wrote, with its exit code in the listing', async () => {
      const folder = await aFolder()
      await writeFile(join(folder, 'sum'), '42')
      await writeFile(join(folder, 'debug.log'), 'x')

      const { count, listing } = await keep(folder, ['sum'])

      expect(bucket.stored.get('/1/sum')?.toString()).toBe('42')
      expect(count).toBe(1)
      expect(listing).toEqual({
        entries: [{ name: 'sum', kind: 'file', sizeBytes: 2 }],
        others: ['debug.log'],
        taskExitCode: 3,
      })
    })

    it('uploads a listing when the task wrote nothing', async () => {
      const { count, listing } = await keep(await aFolder(), ['sum'])

      expect([count, listing]).toEqual([0, { entries: [], others: [], taskExitCode: 3 }])
    })

    it('omits what exceeds the limits, and uploads the other files', async () => {
      const folder = await aFolder()
      await writeFile(join(folder, 'large'), someBytes(6000))
      await writeFile(join(folder, 'small'), someBytes(100))
      await mkdir(join(folder, 'masks'))
      for (const index of [0, 1, 2, 3]) await writeFile(join(folder, 'masks', String(index)), 'x')
      await mkdir(join(folder, 'shapes'))
      for (const index of [0, 1, 2]) await writeFile(join(folder, 'shapes', String(index)), 'x')

      const { count, problems } = await keep(folder, ['large', 'masks', 'shapes', 'small'])

      expect(count).toBe(2)
      expect(problems).toEqual({
        large: expect.stringContaining('more than 5000 bytes together, the limit of a task that failed'),
        masks: expect.stringContaining('more than 3 files, the limit of a task that failed'),
        shapes: undefined,
        small: undefined,
      })
      expect([...bucket.stored.keys()].sort()).toEqual(['/1/shapes', '/1/small', '/1/staged.json'])
    })

    it('omits outputs that are not uploaded within the time limit, and uploads a listing', async () => {
      const folder = await aFolder()
      await writeFile(join(folder, 'image'), someBytes(4500))
      await writeFile(join(folder, 'sum'), '42')
      const { api } = anApi('image', 'sum')
      const never = new Promise<never>(() => {})
      const end = { jobAttempt: 1, exitCode: 3, kept: { ...kept, seconds: 0.2 } }

      await stageOut({ ...api, beginParts: () => never }, { folder, taskFolder: '/outputs' }, end, FAST)

      const { entries } = stagedListingSchema.parse(
        JSON.parse(bucket.stored.get('/1/staged.json')?.toString() ?? ''),
      )
      expect(entries).toMatchObject([
        { name: 'image', problem: expect.stringContaining('the time for the outputs') },
        { name: 'sum' },
      ])
      expect(bucket.stored.get('/1/sum')?.toString()).toBe('42')
    })

    it('uploads as much as the archive of rejected outputs can have', () => {
      expect([KEPT_OF_FAILED_TASK.bytes, KEPT_OF_FAILED_TASK.files]).toEqual([
        MAX_COPIED_BYTES,
        MAX_COPIED_FILES,
      ])
    })
  })

  it('writes the exit code of a task that succeeded into the listing', async () => {
    const folder = await aFolder()

    await stageOut(anApi().api, { folder, taskFolder: '/outputs' }, { jobAttempt: 1, exitCode: 0 }, FAST)

    expect(JSON.parse(bucket.stored.get('/1/staged.json')?.toString() ?? '')).toMatchObject({
      taskExitCode: 0,
    })
  })

  it('ignores files whose names no output can have', async () => {
    const folder = await aFolder()
    await writeFile(join(folder, 'sum'), '1')
    await writeFile(join(folder, 'debug.log'), 'x')
    await writeFile(join(folder, '__proto__'), 'x')

    expect((await listed(folder)).map((entry) => entry.name)).toEqual(['sum'])
  })

  it('lists the target of a link, and a link that leaves the folder as missing', async () => {
    const folder = await aFolder()
    await writeFile(join(folder, 'real'), '1')
    await mkdir(join(folder, 'folder'))
    await symlink('real', join(folder, 'inside'))
    await symlink('/etc/hostname', join(folder, 'outside'))
    await symlink('..', join(folder, 'parent'))
    await symlink('nowhere', join(folder, 'dangling'))
    await symlink('circle', join(folder, 'circle'))
    await symlink('/data/results/real', join(folder, 'absolute'))
    await symlink('/data//./results/folder/', join(folder, 'absoluteFolder'))
    await symlink('/data/results/../results/absolute', join(folder, 'chain'))
    await symlink('../../data/results/real', join(folder, 'upAndDown'))
    await symlink('folder/../real', join(folder, 'detour'))
    await symlink('/data/results', join(folder, 'itself'))
    await symlink('/data/results/../resultsB/real', join(folder, 'sibling'))
    await symlink('/data/results/../../etc/hostname', join(folder, 'escape'))
    await symlink('/data/results/outside', join(folder, 'outsideByChain'))
    await symlink('real/../real', join(folder, 'throughFile'))
    await symlink('/outputs/real', join(folder, 'otherFolder'))
    await symlink(join(folder, 'real'), join(folder, 'stagersOwnPath'))
    await symlink('n'.repeat(300), join(folder, 'tooLong'))

    const kinds = (await listed(folder)).map((entry) => [entry.name, entry.kind])

    expect(Object.fromEntries(kinds)).toEqual({
      real: 'file',
      folder: 'directory',
      inside: 'file',
      outside: 'other',
      parent: 'other',
      dangling: 'other',
      circle: 'other',
      absolute: 'file',
      absoluteFolder: 'directory',
      chain: 'file',
      upAndDown: 'file',
      detour: 'file',
      itself: 'other',
      sibling: 'other',
      escape: 'other',
      outsideByChain: 'other',
      throughFile: 'other',
      otherFolder: 'other',
      stagersOwnPath: 'other',
      tooLong: 'other',
    })
  })
})
