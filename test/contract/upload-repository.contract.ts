import { beforeEach, describe, expect, it } from 'vitest'
import type { Upload, UploadRepository } from '../../src/ports.ts'
import type { FixedIdentity } from '../fixtures/fixed-identity.ts'

interface UploadRepositoryHarness {
  readonly uploads: UploadRepository
  readonly identity: FixedIdentity
}

function anUpload(changes: Partial<Upload> = {}): Upload {
  return {
    id: 'upload-1',
    key: 'uploads/upload-1',
    state: 'CREATED',
    taskId: '11111111-1111-4111-8111-111111111111',
    createdAt: '2026-01-01T00:00:00.000Z',
    ...changes,
  }
}

const PROGRESS = { layers: 3, layersDone: 1, bytes: 2_200_000_000, bytesDone: 7 }
const ERROR: NonNullable<Upload['error']> = {
  status: 400,
  errorCode: 'APPE-internal-bundle-schema-validation-error',
  message: 'Schema validation failed for the descriptor file',
  details: {
    type: 'batch',
    errors: [
      { errorCode: 'a', message: 'b', details: { type: 'parameter', parameterName: 'c' } },
      { errorCode: 'd', message: 'e', details: { type: 'empty' } },
    ],
  },
}

/** What every upload repository keeps to. `setUp` gives an empty one for each test. */
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

    it('stores an upload as it is', async () => {
      const expected = { namespace: 'com.example.addition', version: '1.0.0' }
      const upload = anUpload({
        state: 'FAILED',
        error: ERROR,
        progress: PROGRESS,
        leaseUntil: '2026-01-01',
        expected,
      })

      await uploads.create(upload)

      expect(await uploads.find(upload.id)).toStrictEqual(upload)
    })

    it('refuses a second upload with the same id', async () => {
      await uploads.create(anUpload())

      await expect(uploads.create(anUpload({ key: 'uploads/other' }))).rejects.toThrow()

      expect(await uploads.find('upload-1')).toEqual(anUpload())
    })

    it('knows no upload that was never created', async () => {
      expect(await uploads.find('upload-1')).toBeUndefined()
      expect(await uploads.claim('upload-1', 60)).toBeUndefined()
      expect(await uploads.find('upload-1')).toBeUndefined()
    })

    describe('claims', () => {
      it('give the upload to one worker until the lease ends', async () => {
        await uploads.create(anUpload())

        const claimed = await uploads.claim('upload-1', 60)

        expect(claimed).toEqual(anUpload({ leaseUntil: '2026-01-01T00:01:00.000Z' }))
        identity.advance(59)
        expect(await uploads.claim('upload-1', 60)).toBeUndefined()
      })

      it('give it to exactly one of many workers at once', async () => {
        await uploads.create(anUpload())

        const claims = await Promise.all(Array.from({ length: 10 }, () => uploads.claim('upload-1', 60)))

        expect(claims.filter((upload) => upload !== undefined)).toHaveLength(1)
      })

      it('give it to the next worker when the lease is over', async () => {
        await uploads.create(anUpload())
        await uploads.claim('upload-1', 60)
        await uploads.update('upload-1', { state: 'PUSHING', progress: PROGRESS })
        identity.advance(60)

        const claimed = await uploads.claim('upload-1', 60)

        expect(claimed).toMatchObject({ state: 'PUSHING', leaseUntil: '2026-01-01T00:02:00.000Z' })
      })

      it.each(['READY', 'FAILED'] as const)('give nothing when the import is %s', async (state) => {
        await uploads.create(anUpload({ state }))

        expect(await uploads.claim('upload-1', 60)).toBeUndefined()
      })
    })

    describe('updates', () => {
      it('write what they name and leave the rest', async () => {
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

      it('make no upload that does not exist', async () => {
        await expect(uploads.update('upload-1', { state: 'PUSHING' })).rejects.toThrow()

        expect(await uploads.find('upload-1')).toBeUndefined()
      })
    })
  })
}
