import { beforeEach, describe, expect, it } from 'vitest'
import type { ObjectStore } from '../../src/aws/object-store.ts'
import type { PartStore } from '../../src/aws/part-store.ts'

interface PartStoreHarness {
  readonly parts: PartStore
  readonly objects: ObjectStore
  /** Maximum number of parts that one call lists. */
  readonly pageSize: number
  /** Sends a PUT to a presigned URL. */
  readonly send: (url: string, bytes: Buffer) => Promise<{ readonly status: number }>
}

const KEY = 'uploads/upload-1'
/** Minimum size of every part except the last, in bytes. */
const PART_BYTES = 5 * 1024 * 1024

/** Contract of every part store. `setUp` returns an empty one for each test. */
export function describePartStore(adapter: string, setUp: () => Promise<PartStoreHarness>): void {
  describe(`part store (${adapter})`, () => {
    let harness: PartStoreHarness
    let parts: PartStore
    let multipartId: string

    beforeEach(async () => {
      harness = await setUp()
      parts = harness.parts
      multipartId = await parts.start(KEY, 'application/zip')
    })

    async function sendPart(partNumber: number, bytes: Buffer) {
      return await harness.send(await parts.presignPart(KEY, multipartId, partNumber, 60), bytes)
    }

    async function listed() {
      const found = await parts.list(KEY, multipartId)
      return found?.map(({ partNumber, sizeBytes }) => [partNumber, sizeBytes])
    }

    it('has no parts at first, and no object', async () => {
      expect(await listed()).toEqual([])
      expect(await harness.objects.size(KEY)).toBeUndefined()
    })

    it('creates a separate URL for each part', async () => {
      const urls = await Promise.all([1, 2].map((number) => parts.presignPart(KEY, multipartId, number, 60)))

      expect(new Set(urls).size).toBe(2)
      for (const url of urls) expect(new URL(url).pathname).toMatch(/\/uploads\/upload-1$/u)
    })

    it('lists the parts of all pages by number, and a part that was sent twice once', async () => {
      const count = 2 * harness.pageSize + 1
      const numbers = Array.from({ length: count }, (_, index) => count - index)
      for (const number of numbers) await sendPart(number, Buffer.alloc(1))

      await sendPart(2, Buffer.alloc(2))

      expect(await listed()).toEqual(numbers.toReversed().map((number) => [number, number === 2 ? 2 : 1]))
    })

    it('joins all parts into one object', async () => {
      await sendPart(2, Buffer.from('end'))
      await sendPart(1, Buffer.alloc(PART_BYTES, 'a'))

      expect(await parts.complete(KEY, multipartId, (await parts.list(KEY, multipartId)) ?? [])).toBe(true)

      expect(await harness.objects.size(KEY)).toBe(PART_BYTES + 3)
      const end = await harness.objects.read(KEY, { start: PART_BYTES - 1, length: 10 })
      expect(String(Buffer.concat((await end?.toArray()) ?? []))).toBe('aend')
    })

    it('creates an empty object from an empty part', async () => {
      await sendPart(1, Buffer.alloc(0))

      await parts.complete(KEY, multipartId, (await parts.list(KEY, multipartId)) ?? [])

      expect(await harness.objects.size(KEY)).toBe(0)
    })

    it('removes the parts after joining them', async () => {
      await sendPart(1, Buffer.from('all'))
      const arrived = (await parts.list(KEY, multipartId)) ?? []
      await parts.complete(KEY, multipartId, arrived)

      expect(await parts.list(KEY, multipartId)).toBeUndefined()
      expect((await sendPart(1, Buffer.from('late'))).status).toBe(404)
      expect(await harness.objects.size(KEY)).toBe(3)
    })

    it('removes the parts of an aborted upload', async () => {
      await sendPart(1, Buffer.from('all'))
      const arrived = (await parts.list(KEY, multipartId)) ?? []

      await parts.abort(KEY, multipartId)

      expect(await parts.list(KEY, multipartId)).toBeUndefined()
      expect(await parts.complete(KEY, multipartId, arrived)).toBe(false)
      expect(await harness.objects.size(KEY)).toBeUndefined()
      await expect(parts.abort(KEY, multipartId)).resolves.toBeUndefined()
    })
  })
}
