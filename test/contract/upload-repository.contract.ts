import { beforeEach, describe, expect, it } from 'vitest'
import { UPLOAD_KNOWN_SECONDS } from '../../src/contract/upload-limits.ts'
import type { Upload } from '../../src/upload/upload.ts'
import type { UploadRepository } from '../../src/upload/upload-repository.ts'
import type { FixedIdentity } from '../fixtures/fixed-identity.ts'

interface UploadRepositoryHarness {
  readonly uploads: UploadRepository
  readonly identity: FixedIdentity
}

function anUpload(changes: Partial<Upload> = {}): Upload {
  return {
    id: 'upload-1',
    key: 'uploads/upload-1',
    purpose: 'task',
    state: 'CREATED',
    taskId: '11111111-1111-4111-8111-111111111111',
    createdAt: '2026-01-01T00:00:00.000Z',
    ...changes,
  }
}

const PROGRESS = { layers: 3, layersDone: 1, bytes: 2_200_000_000, bytesDone: 7 }
const PARTS = { multipartId: 'multipart-1', partSizeBytes: 16_777_216 }
const ERROR: NonNullable<Upload['error']> = {
  status: 400,
  errorCode: 'APPE-internal-bundle-schema-validation-error',
  message: 'Schema validation failed for the descriptor file',
  explanation: 'the descriptor is too large',
  details: {
    type: 'batch',
    errors: [
      { errorCode: 'a', message: 'b', details: { type: 'parameter', parameterName: 'c' } },
      { errorCode: 'd', message: 'e', details: { type: 'empty' } },
    ],
  },
}

/** Contract of every upload repository. `setUp` returns an empty one for each test. */
export function describeUploadRepository(
  adapter: string,
  setUp: () => Promise<UploadRepositoryHarness>,
): void {
  describe(`upload repository (${adapter})`, () => {
    let uploads: UploadRepository
    let identity: FixedIdentity

    beforeEach(async () => {
      const harness = await setUp()
      uploads = harness.uploads
      identity = harness.identity
    })

    it('stores an upload unchanged', async () => {
      const expected = { namespace: 'com.example.addition', version: '1.0.0' }
      const upload = anUpload({
        state: 'FAILED',
        fileName: 'bündle.zip',
        sizeBytes: 2_200_000_000,
        parts: PARTS,
        error: ERROR,
        progress: PROGRESS,
        leaseUntil: '2026-01-01',
        expected,
        source: 'https://store.example.org/bundle.zip',
        layers: [
          {
            file: 'blobs/sha256/1',
            fileBytes: 10,
            diffId: 'sha256:2',
            contentBytes: 20,
            mountPoints: { inputs: 'folder' },
            digest: 'sha256:1',
            sizeBytes: 10,
            compression: 'gzip',
          },
        ],
        warnings: [{ message: 'gte has no effect', line: 1, column: 2 }],
        attempts: 2,
        triedSince: '2026-01-01T00:00:00.000Z',
        name: { namespace: 'com.example.addition', version: '1.0.0' },
      })

      await uploads.create(upload)

      expect(await uploads.find(upload.id)).toStrictEqual(upload)
    })

    it('refuses a second upload with the same id', async () => {
      await uploads.create(anUpload())

      await expect(uploads.create(anUpload({ key: 'uploads/other' }))).rejects.toThrow()

      expect(await uploads.find('upload-1')).toEqual(anUpload())
    })

    it('returns undefined for an upload that was never created', async () => {
      expect(await uploads.find('upload-1')).toBeUndefined()
      expect(await uploads.claim('upload-1', 60)).toBeUndefined()
      expect(await uploads.find('upload-1')).toBeUndefined()
    })

    describe('an upload that has expired', () => {
      beforeEach(async () => {
        await uploads.create(anUpload({ parts: PARTS, leaseUntil: '2027-01-01T00:00:00.000Z' }))
        identity.advance(UPLOAD_KNOWN_SECONDS)
      })

      it('is not found', async () => {
        expect(await uploads.find('upload-1')).toBeUndefined()
        expect(await uploads.claim('upload-1', 60)).toBeUndefined()
        expect(await uploads.closeParts('upload-1', { sizeBytes: 1 })).toBeUndefined()
        expect(await uploads.extendLease('upload-1', '2027-01-01T00:00:00.000Z', 60)).toBeUndefined()
        expect(await uploads.endLease('upload-1', '2027-01-01T00:00:00.000Z', true)).toBe(false)
        expect(await uploads.postpone('upload-1', 60)).toBe(false)
        await expect(uploads.update('upload-1', { state: 'PUSHING' })).rejects.toThrow()
      })

      it('may be removed and created again', async () => {
        expect(await uploads.remove('upload-1')).toBe(true)

        await uploads.create(anUpload())

        expect(await uploads.find('upload-1')).toEqual(anUpload())
      })

      it('is replaced by another with the same id', async () => {
        await uploads.create(anUpload({ state: 'READY' }))

        expect(await uploads.find('upload-1')).toEqual(anUpload({ state: 'READY' }))
      })

      it('is found until it expires', async () => {
        identity.advance(-1)

        expect(await uploads.find('upload-1')).toBeDefined()
      })
    })

    describe('parts', () => {
      it('are closed with the size, without losing changes by the importer', async () => {
        await uploads.create(anUpload({ parts: PARTS }))
        await uploads.update('upload-1', { state: 'PUSHING', progress: PROGRESS })

        const closed = await uploads.closeParts('upload-1', { sizeBytes: 7 })

        expect(closed).toStrictEqual(anUpload({ state: 'PUSHING', progress: PROGRESS, sizeBytes: 7 }))
        expect(await uploads.find('upload-1')).toStrictEqual(closed)
      })

      it('of an input make the upload READY when they are closed', async () => {
        await uploads.create(anUpload({ purpose: 'input', parts: PARTS }))

        await uploads.closeParts('upload-1', { sizeBytes: 7, state: 'READY' })

        expect(await uploads.find('upload-1')).toStrictEqual(
          anUpload({ purpose: 'input', state: 'READY', sizeBytes: 7 }),
        )
      })

      it('may be closed again, even after the import', async () => {
        await uploads.create(anUpload({ state: 'FAILED' }))

        expect(await uploads.closeParts('upload-1', { sizeBytes: 7 })).toStrictEqual(
          anUpload({ state: 'FAILED', sizeBytes: 7 }),
        )
      })

      it('of a missing upload create no upload', async () => {
        expect(await uploads.closeParts('upload-1', { sizeBytes: 7 })).toBeUndefined()

        expect(await uploads.find('upload-1')).toBeUndefined()
      })
    })

    describe('removal', () => {
      it.each(['CREATED', 'READY', 'FAILED'] as const)('deletes an upload that is %s', async (state) => {
        await uploads.create(anUpload({ state, parts: PARTS }))

        expect(await uploads.remove('upload-1')).toBe(true)

        expect(await uploads.find('upload-1')).toBeUndefined()
      })

      it.each(['VALIDATING', 'PUSHING'] as const)('refuses an upload that is %s', async (state) => {
        await uploads.create(anUpload({ state }))

        expect(await uploads.remove('upload-1')).toBe(false)

        expect(await uploads.find('upload-1')).toEqual(anUpload({ state }))
      })

      it('refuses an upload that a worker has claimed, until its lease ends', async () => {
        await uploads.create(anUpload())
        await uploads.claim('upload-1', 60)

        expect(await uploads.remove('upload-1')).toBe(false)
        identity.advance(60)
        expect(await uploads.remove('upload-1')).toBe(true)
      })

      it('ignores the lease of an import that has ended', async () => {
        await uploads.create(anUpload())
        await uploads.claim('upload-1', 60)
        await uploads.update('upload-1', { state: 'READY' })

        expect(await uploads.remove('upload-1')).toBe(true)
      })

      it('does nothing when the upload does not exist', async () => {
        expect(await uploads.remove('upload-1')).toBe(true)
      })
    })

    describe('claims', () => {
      it('give the upload to one worker until the lease ends', async () => {
        await uploads.create(anUpload())

        const claimed = await uploads.claim('upload-1', 60)

        expect(claimed).toEqual(anUpload({ leaseUntil: '2026-01-01T00:01:00.000Z', attempts: 1 }))
        identity.advance(59)
        expect(await uploads.claim('upload-1', 60)).toBeUndefined()
      })

      it('give the upload to exactly one of many concurrent workers', async () => {
        await uploads.create(anUpload())

        const claims = await Promise.all(Array.from({ length: 10 }, () => uploads.claim('upload-1', 60)))

        expect(claims.filter((upload) => upload !== undefined)).toHaveLength(1)
      })

      it('give the upload to the next worker after the lease has ended', async () => {
        await uploads.create(anUpload())
        await uploads.claim('upload-1', 60)
        await uploads.update('upload-1', { state: 'PUSHING', progress: PROGRESS })
        identity.advance(60)

        const claimed = await uploads.claim('upload-1', 60)

        expect(claimed).toMatchObject({
          state: 'PUSHING',
          leaseUntil: '2026-01-01T00:02:00.000Z',
          attempts: 2,
        })
      })

      it.each(['READY', 'FAILED'] as const)('return undefined when the import is %s', async (state) => {
        await uploads.create(anUpload({ state }))

        expect(await uploads.claim('upload-1', 60)).toBeUndefined()
      })
    })

    describe('leases', () => {
      const LEASE_END = '2026-01-01T00:01:00.000Z'

      it('are extended by their holder', async () => {
        await uploads.create(anUpload())
        await uploads.claim('upload-1', 60)
        identity.advance(30)

        const extended = await uploads.extendLease('upload-1', LEASE_END, 60)

        expect(extended).toBe('2026-01-01T00:01:30.000Z')
        identity.advance(45)
        expect(await uploads.claim('upload-1', 60)).toBeUndefined()
      })

      it('can be ended early', async () => {
        await uploads.create(anUpload())
        await uploads.claim('upload-1', 60)

        expect(await uploads.endLease('upload-1', LEASE_END, false)).toBe(true)

        expect(await uploads.claim('upload-1', 60)).toMatchObject({ attempts: 2 })
      })

      it('reset the attempts when a worker that has made progress ends them', async () => {
        await uploads.create(anUpload())
        await uploads.claim('upload-1', 60)

        await uploads.endLease('upload-1', LEASE_END, true)

        expect(await uploads.claim('upload-1', 60)).toMatchObject({ attempts: 1 })
      })

      it('cannot be ended by another worker', async () => {
        await uploads.create(anUpload())
        await uploads.claim('upload-1', 60)
        identity.advance(61)
        await uploads.claim('upload-1', 60)

        expect(await uploads.endLease('upload-1', LEASE_END, true)).toBe(false)

        expect(await uploads.claim('upload-1', 60)).toBeUndefined()
        expect((await uploads.find('upload-1'))?.attempts).toBe(2)
      })

      it('are not extended after another worker has claimed the upload', async () => {
        await uploads.create(anUpload())
        await uploads.claim('upload-1', 60)
        identity.advance(61)
        const taken = await uploads.claim('upload-1', 60)

        expect(await uploads.extendLease('upload-1', LEASE_END, 60)).toBeUndefined()
        expect((await uploads.find('upload-1'))?.leaseUntil).toBe(taken?.leaseUntil)
      })

      it.each(['READY', 'FAILED'] as const)('are not extended when the import is %s', async (state) => {
        await uploads.create(anUpload({ state, leaseUntil: LEASE_END }))

        expect(await uploads.extendLease('upload-1', LEASE_END, 60)).toBeUndefined()
        expect(await uploads.extendLease('unknown', LEASE_END, 60)).toBeUndefined()
      })
    })

    describe('stalled uploads', () => {
      const left = (): Promise<string[]> => uploads.listStalled(identity.now(), 10)

      it('are complete bundles without a worker', async () => {
        await uploads.create(anUpload())

        await expect.poll(left).toEqual(['upload-1'])
        expect(await uploads.listStalled(new Date(identity.now().getTime() - 1), 10)).toEqual([])
      })

      it('do not include inputs, incomplete bundles and ended imports', async () => {
        await uploads.create(anUpload({ id: 'input', purpose: 'input' }))
        await uploads.create(anUpload({ id: 'parts', parts: PARTS }))
        await uploads.create(anUpload({ id: 'failed', state: 'FAILED' }))
        await uploads.create(anUpload({ id: 'left' }))

        await expect.poll(left).toEqual(['left'])
      })

      it('have been stalled since their parts were closed', async () => {
        await uploads.create(anUpload({ parts: PARTS }))
        identity.advance(10)

        await uploads.closeParts('upload-1', { sizeBytes: 7 })

        await expect.poll(left).toEqual(['upload-1'])
        expect(await uploads.listStalled(new Date(identity.now().getTime() - 1), 10)).toEqual([])
      })

      it('do not include uploads with a lease', async () => {
        await uploads.create(anUpload())
        const claimed = await uploads.claim('upload-1', 60)
        identity.advance(30)
        await uploads.extendLease('upload-1', claimed?.leaseUntil ?? '', 60)
        identity.advance(59)

        await expect.poll(left).toEqual([])
        expect(await uploads.postpone('upload-1', 60)).toBe(false)
        identity.advance(1)
        expect(await left()).toEqual(['upload-1'])
      })

      it('include uploads whose lease was ended early', async () => {
        await uploads.create(anUpload())
        const claimed = await uploads.claim('upload-1', 60)

        await uploads.endLease('upload-1', claimed?.leaseUntil ?? '', true)

        await expect.poll(left).toEqual(['upload-1'])
      })

      it('do not include uploads with a lease whose parts are closed again', async () => {
        await uploads.create(anUpload({ parts: PARTS }))
        await uploads.claim('upload-1', 60)

        await uploads.closeParts('upload-1', { sizeBytes: 7 })

        await expect.poll(left).toEqual([])
        identity.advance(60)
        expect(await left()).toEqual(['upload-1'])
      })

      it.each(['READY', 'FAILED'] as const)('are not %s', async (state) => {
        await uploads.create(anUpload())

        await uploads.update('upload-1', { state })

        await expect.poll(left).toEqual([])
        expect(await uploads.postpone('upload-1', 60)).toBe(false)
      })

      it('are listed by the end of their lease, up to a limit', async () => {
        await uploads.create(anUpload({ id: 'a' }))
        identity.advance(1)
        await uploads.create(anUpload({ id: 'b' }))
        identity.advance(1)
        await expect.poll(left).toEqual(['a', 'b'])

        expect(await uploads.postpone('a', 60)).toBe(true)

        await expect.poll(left).toEqual(['b'])
        identity.advance(60)
        await expect.poll(left).toEqual(['b', 'a'])
        expect(await uploads.listStalled(identity.now(), 1)).toEqual(['b'])
        expect(await uploads.claim('a', 60)).toBeDefined()
      })
    })

    describe('updates', () => {
      it('write the given fields and keep the others', async () => {
        await uploads.create(anUpload())
        await uploads.update('upload-1', { state: 'PUSHING', progress: PROGRESS })

        await uploads.update('upload-1', { state: 'FAILED', error: ERROR })

        expect(await uploads.find('upload-1')).toEqual(
          anUpload({ state: 'FAILED', error: ERROR, progress: PROGRESS }),
        )
      })

      it.each(['READY', 'FAILED'] as const)('keep the final state %s', async (state) => {
        await uploads.create(anUpload({ state }))

        await uploads.update('upload-1', { state: 'PUSHING', progress: PROGRESS })

        expect(await uploads.find('upload-1')).toEqual(anUpload({ state }))
      })

      it('fail for an upload that does not exist', async () => {
        await expect(uploads.update('upload-1', { state: 'PUSHING' })).rejects.toThrow()

        expect(await uploads.find('upload-1')).toBeUndefined()
      })
    })
  })
}
