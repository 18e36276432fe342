import { mkdir, mkdtemp, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OutputEntry } from '../../../src/domain/staging.ts'
import type { StagingApi } from '../../../stager/api-client.ts'
import { safePath, stageIn } from '../../../stager/stage-in.ts'
import { listOutputs, stageOut } from '../../../stager/stage-out.ts'

const aFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'stager-'))

/** Stands for the bucket: keeps what is PUT, serves what is asked for. */
let bucket: Server
let url: string
const stored = new Map<string, string>()
const lengths = new Map<string, string | undefined>()

beforeAll(async () => {
  bucket = createServer(async (request, response) => {
    const path = request.url ?? ''
    if (request.method === 'PUT') {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      stored.set(path, Buffer.concat(chunks).toString('utf8'))
      lengths.set(path, request.headers['content-length'])
    }
    response.end(request.method === 'GET' ? stored.get(path) : undefined)
  })
  await new Promise<void>((resolve) => bucket.listen(0, '127.0.0.1', resolve))
  const address = bucket.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  url = `http://127.0.0.1:${address.port}`
})
afterAll(() => bucket.close())

function anApi(changes: Partial<StagingApi>): StagingApi {
  return {
    inputs: () => Promise.reject(new Error('not asked for')),
    outputs: () => Promise.reject(new Error('not asked for')),
    ...changes,
  }
}

describe('stage-in', () => {
  it('writes the inputs and opens both folders to any user', async () => {
    const [inputs, outputs] = [await aFolder(), await aFolder()]
    stored.set('/large', 'a larger one')
    const api = anApi({
      inputs: async () => ({
        files: [
          { path: 'count', content: { kind: 'inline', text: '7' } },
          { path: 'large', content: { kind: 'url', url: `${url}/large`, sizeBytes: 12 } },
        ],
      }),
    })

    await stageIn(api, inputs, outputs)

    expect(await readFile(join(inputs, 'count'), 'utf8')).toBe('7')
    expect(await readFile(join(inputs, 'large'), 'utf8')).toBe('a larger one')
    expect((await stat(join(inputs, 'count'))).mode & 0o777).toBe(0o666)
    expect((await stat(inputs)).mode & 0o777).toBe(0o777)
    expect((await stat(outputs)).mode & 0o777).toBe(0o777)
  })

  it.each(['../escape', '/etc/passwd', 'a/../../b', ''])('refuses the path %j', (path) => {
    expect(() => safePath(path)).toThrow('leaves the folder')
  })
})

describe('stage-out', () => {
  it('hands over the files that the API asks for, the listing last', async () => {
    const folder = await aFolder()
    await writeFile(join(folder, 'sum'), '42')
    await writeFile(join(folder, 'debug.log'), 'x')
    let told: readonly OutputEntry[] = []
    const api = anApi({
      outputs: async (jobAttempt, entries) => {
        told = entries
        return {
          uploads: [{ name: 'sum', url: `${url}/${jobAttempt}/sum` }],
          listingUrl: `${url}/${jobAttempt}/staged.json`,
        }
      },
    })

    await stageOut(api, folder, 2)

    expect(told.map((entry) => entry.name)).toEqual(['debug.log', 'sum'])
    expect(stored.get('/2/sum')).toBe('42')
    expect(lengths.get('/2/sum')).toBe('2')
    expect([...stored.keys()].at(-1)).toBe('/2/staged.json')
    expect(JSON.parse(stored.get('/2/staged.json') ?? '')).toEqual({ entries: told })
  })

  it('takes a link for what it points at, and for nothing when it leaves the folder', async () => {
    const folder = await aFolder()
    await writeFile(join(folder, 'real'), '1')
    await mkdir(join(folder, 'folder'))
    await symlink('real', join(folder, 'inside'))
    await symlink('/etc/hostname', join(folder, 'outside'))
    await symlink('nowhere', join(folder, 'dangling'))
    await symlink('circle', join(folder, 'circle'))

    const kinds = (await listOutputs(folder)).map((entry) => [entry.name, entry.kind])

    expect(Object.fromEntries(kinds)).toEqual({
      real: 'file',
      folder: 'directory',
      inside: 'file',
      outside: 'other',
      dangling: 'other',
      circle: 'other',
    })
  })
})
