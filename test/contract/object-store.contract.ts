import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  type ByteRange,
  CopyStoppedError,
  ObjectExchangedError,
  type ObjectStore,
} from '../../src/aws/object-store.ts'
import { digestOf } from '../../src/shared/content-digest.ts'

interface ObjectStoreHarness {
  readonly objects: ObjectStore
  /** Maximum number of objects that one call lists or removes. */
  readonly pageSize: number
  /** Size in bytes above which an object is copied in ranges. */
  readonly copyRangeBytes: number
}

interface ObjectStoreTraits {
  /** Whether a server answers requests to presigned URLs; the memory store has none. */
  readonly isServed: boolean
  /** Whether the store computes checksums of copies, which become their digests; the emulator does not. */
  readonly isDigesting: boolean
}

/** Contract of every object store. `setUp` returns an empty one for each test. */
export function describeObjectStore(
  adapter: string,
  { isServed, isDigesting }: ObjectStoreTraits,
  setUp: () => Promise<ObjectStoreHarness>,
): void {
  describe(`object store (${adapter})`, () => {
    let objects: ObjectStore
    let harness: ObjectStoreHarness

    beforeEach(async () => {
      harness = await setUp()
      objects = harness.objects
    })

    async function readText(key: string, range?: ByteRange): Promise<string | undefined> {
      const stream = await objects.read(key, range)
      return stream === undefined ? undefined : text(stream)
    }

    async function listed(prefix: string) {
      const found: { key: string; sizeBytes: number }[] = []
      for await (const entry of objects.list(prefix)) found.push({ ...entry })
      return found
    }

    async function putMany(keys: readonly string[]): Promise<void> {
      for (const key of keys) await objects.put(key, key)
    }

    it('returns stored texts and bytes unchanged', async () => {
      await objects.put('a/text', 'é')
      await objects.put('a/bytes', Uint8Array.of(0x61, 0x00, 0x62))

      expect(await readText('a/text')).toBe('é')
      expect(await readText('a/bytes')).toBe('a\0b')
    })

    it('replaces an object', async () => {
      await objects.put('a', 'first')

      await objects.put('a', 'second')

      expect(await readText('a')).toBe('second')
    })

    it('stores an empty object', async () => {
      await objects.put('a', '')

      expect(await readText('a')).toBe('')
      expect(await readText('a', { start: 0, length: 10 })).toBe('')
      expect(await objects.size('a')).toBe(0)
    })

    it('returns undefined for a missing object', async () => {
      expect(await objects.read('missing')).toBeUndefined()
      expect(await objects.read('missing', { start: 0, length: 1 })).toBeUndefined()
      expect(await objects.read('missing', { start: 0, length: 0 })).toBeUndefined()
      expect(await objects.size('missing')).toBeUndefined()
    })

    it('returns the size in bytes', async () => {
      await objects.put('a', 'été')

      expect(await objects.size('a')).toBe(5)
    })

    it.each([
      [{ start: 0, length: 3 }, '012'],
      [{ start: 3, length: 4 }, '3456'],
      [{ start: 9, length: 1 }, '9'],
      [{ start: 8, length: 100 }, '89'],
      [{ start: 10, length: 1 }, ''],
      [{ start: 4, length: 0 }, ''],
    ])('reads the range %j', async (range, expected) => {
      await objects.put('digits', '0123456789')

      expect(await readText('digits', range)).toBe(expected)
    })

    describe('one version of an object', () => {
      async function exchanged(): Promise<string> {
        await objects.put('a', 'first')
        const first = await objects.find('a')
        await objects.put('a', 'other')
        return first?.etag ?? ''
      }

      it('is found with its size', async () => {
        await objects.put('a', 'été')

        expect(await objects.find('a')).toEqual({ sizeBytes: 5, etag: expect.stringMatching(/./u) })
        expect(await objects.find('missing')).toBeUndefined()
      })

      it('is read while it exists', async () => {
        await objects.put('a', 'first')
        const { etag } = (await objects.find('a')) ?? {}

        const stream = await objects.read('a', { start: 1, length: 3 }, etag)

        expect(stream && (await text(stream))).toBe('irs')
        expect(await objects.copy('a', 'copy', etag)).toMatchObject({ sizeBytes: 5 })
      })

      it.each([undefined, { start: 0, length: 2 }, { start: 2, length: 0 }, { start: 9, length: 2 }])(
        'is not read after another object has replaced it: range %j',
        async (range) => {
          const etag = await exchanged()

          await expect(objects.read('a', range, etag)).rejects.toThrow(ObjectExchangedError)
        },
      )

      it('is not copied after another object has replaced it', async () => {
        const etag = await exchanged()

        await expect(objects.copy('a', 'copy', etag)).rejects.toThrow(ObjectExchangedError)

        expect(await objects.size('copy')).toBeUndefined()
      })

      it('is missing after the object was removed', async () => {
        const etag = await exchanged()
        await objects.remove('a')

        expect(await objects.read('a', { start: 0, length: 1 }, etag)).toBeUndefined()
        expect(await objects.copy('a', 'copy', etag)).toBeUndefined()
      })
    })

    describe('writing a stream', () => {
      it('stores all bytes and returns their number', async () => {
        const size = await objects.write('a', Readable.from([Buffer.from('ab'), Buffer.from('cd')]))

        expect(size).toBe(4)
        expect(await readText('a')).toBe('abcd')
      })

      it('stores an empty stream', async () => {
        expect(await objects.write('a', Readable.from([]))).toBe(0)

        expect(await objects.size('a')).toBe(0)
      })

      it('stores a stream larger than one part', async () => {
        const chunk = Buffer.alloc(1024 * 1024, 'x')

        const size = await objects.write('a', Readable.from(Array.from({ length: 17 }, () => chunk)))

        expect(size).toBe(17 * chunk.length)
        expect(await objects.size('a')).toBe(17 * chunk.length)
        expect(await readText('a', { start: 16 * chunk.length, length: 3 })).toBe('xxx')
      })

      it('leaves no object when the stream fails', async () => {
        async function* broken() {
          yield Buffer.alloc(17 * 1024 * 1024)
          throw new Error('the source broke')
        }

        await expect(objects.write('a', Readable.from(broken()))).rejects.toThrow('the source broke')

        expect(await objects.size('a')).toBeUndefined()
      })
    })

    describe('copying', () => {
      it.each([
        ['an empty object', () => 0],
        ['an object of one range', () => harness.copyRangeBytes],
        ['an object of several ranges, the last one short', () => 2 * harness.copyRangeBytes + 3],
      ])('creates a copy of %s', async (_, sizeOf) => {
        const bytes = Buffer.alloc(sizeOf(), 'abcdefg')
        await objects.put('a/ä b', bytes, 'text/plain')

        expect(await objects.copy('a/ä b', 'copy')).toMatchObject({ sizeBytes: bytes.length })

        expect(await objects.size('a/ä b')).toBe(bytes.length)
        const copied = await objects.read('copy')
        expect(Buffer.concat((await copied?.toArray()) ?? []).equals(bytes)).toBe(true)
      })

      it('creates no copy when its time is up', async () => {
        await objects.put('a', Buffer.alloc(2 * harness.copyRangeBytes))

        await expect(objects.copy('a', 'copy', undefined, () => true)).rejects.toThrow(CopyStoppedError)

        expect(await objects.size('copy')).toBeUndefined()
      })

      it('returns undefined for a missing object and creates no copy', async () => {
        expect(await objects.copy('missing', 'copy')).toBeUndefined()

        expect(await objects.size('copy')).toBeUndefined()
      })
    })

    describe('listing', () => {
      it('finds keys below the prefix with their sizes', async () => {
        await putMany(['run-1/a', 'run-1/b/0', 'run-10/a', 'run-2/a'])

        expect(await listed('run-1/')).toEqual([
          { key: 'run-1/a', sizeBytes: 7 },
          { key: 'run-1/b/0', sizeBytes: 9 },
        ])
      })

      it('is empty for a prefix without objects', async () => {
        expect(await listed('nothing/')).toEqual([])
      })

      it('reads all pages', async () => {
        const keys = Array.from({ length: 2 * harness.pageSize + 1 }, (_, index) => `run/${index}`)
        await putMany(keys)

        expect((await listed('run/')).map(({ key }) => key)).toEqual(keys.toSorted())
      })
    })

    describe('removal', () => {
      it('removes one object', async () => {
        await putMany(['a', 'ab'])

        await objects.remove('a')

        expect(await listed('')).toEqual([{ key: 'ab', sizeBytes: 2 }])
      })

      it('does nothing when the object does not exist', async () => {
        await expect(objects.remove('a')).resolves.toBeUndefined()
      })

      it('of a prefix removes all pages below it and nothing else', async () => {
        const keys = Array.from({ length: 2 * harness.pageSize + 1 }, (_, index) => `run-1/${index}`)
        await putMany([...keys, 'run-10/a'])

        await objects.removeAll('run-1/')

        expect(await listed('')).toEqual([{ key: 'run-10/a', sizeBytes: 8 }])
      })

      it('of a prefix without objects does nothing', async () => {
        await expect(objects.removeAll('nothing/')).resolves.toBeUndefined()
      })
    })

    describe('presigned URLs', () => {
      it('are absolute and end with the key', async () => {
        for (const presigned of [
          await objects.presignRead('a/b', 60),
          await objects.presignWrite('a/b', 60),
        ]) {
          expect(new URL(presigned).pathname).toMatch(/\/a\/b$/u)
        }
      })
    })

    describe('digests of copies', () => {
      if (!isDigesting) {
        it('are missing if the store computes none', async () => {
          await objects.put('a', 'abc')

          expect(await objects.copy('a', 'copy')).toEqual({ sizeBytes: 3 })
        })
        return
      }

      it('are those of the bytes of a small object', async () => {
        await objects.put('a', 'abc')

        expect((await objects.copy('a', 'copy'))?.digest).toBe(digestOf('abc'))
      })

      it.each([
        ['small', () => 7],
        ['large', () => harness.copyRangeBytes + 7],
      ])('differ for %s objects that differ in one byte', async (_, sizeOf) => {
        const sizeBytes = sizeOf()
        const bytes = Buffer.alloc(sizeBytes, 'abcdefg')
        await objects.put('a', bytes)
        await objects.put('same', bytes)
        bytes[sizeBytes - 1] = 0
        await objects.put('other', bytes)

        const [a, same, other] = await Promise.all(
          ['a', 'same', 'other'].map(async (key) => (await objects.copy(key, `copy of ${key}`))?.digest),
        )

        expect(a).toMatch(/^sha256/u)
        expect(same).toBe(a)
        expect(other).not.toBe(a)
      })
    })

    if (!isServed) return

    describe('presigned URLs of a store with a server', () => {
      it('read the object with the requested headers', async () => {
        await objects.put('a', '0123456789', 'text/plain')

        const url = await objects.presignRead('a', 60, {
          contentType: 'application/zip',
          contentDisposition: 'attachment; filename="été.zip"',
        })
        const answer = await fetch(url, { headers: { range: 'bytes=2-4' } })

        expect(await answer.text()).toBe('234')
        expect(answer.headers.get('content-type')).toBe('application/zip')
        expect(answer.headers.get('content-disposition')).toContain('attachment; filename=')
      })

      it('read an object with its own content type', async () => {
        await objects.put('a', '[]', 'application/json')

        const answer = await fetch(await objects.presignRead('a', 60))

        expect(answer.headers.get('content-type')).toBe('application/json')
      })

      it('write an object by PUT without any signed header', async () => {
        const answer = await fetch(await objects.presignWrite('a', 60), { method: 'PUT', body: 'content' })

        expect(answer.status).toBe(200)
        expect(await readText('a')).toBe('content')
      })
    })
  })
}
