import { describe, expect, it } from 'vitest'
import type { ImageScan } from '../../../src/import/registry/image-scans.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'

const COMPLETE: ImageScan = {
  state: 'complete',
  message: 'the image was scanned',
  completedAt: '2026-01-02T03:04:05.000Z',
  counts: { CRITICAL: 1, HIGH: 2, MEDIUM: 0, LOW: 0, INFORMATIONAL: 0, UNDEFINED: 0 },
  findings: [{ name: 'CVE-2026-1', severity: 'CRITICAL', package: 'libtiff', version: '4.5.0' }],
}

describe('the scan of a task', () => {
  it.each(['by its id', 'by its name'])(
    'is returned %s, with the number of findings that it omits',
    async (way) => {
      const engine = await anEngine()
      const { id, namespace, version, image } = engine.task
      engine.scans.set(image.digest, COMPLETE)
      const path = way === 'by its id' ? id : `${namespace}/${version}`

      const answer = await createCheckedApp(engine).request(`/app-engine/v1/tasks/${path}/scan`)

      expect(answer.status).toBe(200)
      expect(await answer.json()).toEqual({ ...COMPLETE, imageDigest: image.digest, omitted: 2 })
    },
  )

  it('has the state "not-scanned" when the image was not scanned', async () => {
    const engine = await anEngine()

    const answer = await createCheckedApp(engine).request(`/app-engine/v1/tasks/${engine.task.id}/scan`)

    expect(await answer.json()).toMatchObject({ state: 'not-scanned', message: expect.any(String) })
  })

  it('is not found for a task that does not exist', async () => {
    const { request } = createCheckedApp(await anEngine())

    expect((await request('/app-engine/v1/tasks/com.example/9.9.9/scan')).status).toBe(404)
  })
})
