import { describe, expect, it } from 'vitest'
import { uploadTask } from '../../../src/import/upload-task.ts'
import { anEngine } from '../../fixtures/engine.ts'

describe('uploading a bundle', () => {
  it('stores the bundle under the prefix that starts the import, and returns the task', async () => {
    const engine = await anEngine()
    let uploadId = ''
    const uploads: typeof engine.uploads = {
      ...engine.uploads,
      create: async (upload) => {
        uploadId = upload.id
        await engine.uploads.create({ ...upload, taskId: engine.task.id })
      },
    }
    const pause = () => engine.uploads.update(uploadId, { state: 'READY' })

    const uploaded = await uploadTask({ ...engine, uploads, pause }, Buffer.from('bundle'))

    expect(uploaded).toEqual({ task: engine.task, warnings: [] })
    expect(engine.objects.text(`uploads/${uploadId}`)).toBe('bundle')
  })

  it('reports why the import failed', async () => {
    const engine = await anEngine()
    let uploadId = ''
    const uploads: typeof engine.uploads = {
      ...engine.uploads,
      create: async (upload) => {
        uploadId = upload.id
        await engine.uploads.create(upload)
      },
    }
    const error = { status: 409, errorCode: 'a', message: 'b', details: { type: 'empty' as const } }
    const pause = () => engine.uploads.update(uploadId, { state: 'FAILED', error })

    await expect(uploadTask({ ...engine, uploads, pause }, Buffer.from('bundle'))).rejects.toMatchObject({
      name: 'ImportRefusedError',
      refusal: error,
    })
  })

  it('returns the upload after 26 seconds while the import continues', async () => {
    const engine = await anEngine()
    const before = engine.identity.now().getTime()

    const uploaded = await uploadTask(engine, Buffer.from('bundle'))

    expect(uploaded).toMatchObject({ upload: { purpose: 'task', sizeBytes: 6 } })
    expect(engine.identity.now().getTime() - before).toBe(26_000)
  })
})
