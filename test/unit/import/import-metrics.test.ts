import { describe, expect, it } from 'vitest'
import { aBundle, packZip } from '../../fixtures/bundle-builder.ts'
import { anImporter, put, run, runToTheEnd, UPLOAD_ID } from '../../fixtures/memory-importer.ts'

describe('metrics of imports', () => {
  it('record size and duration of a successful import', async () => {
    const importer = anImporter()
    const bundle = await packZip(await aBundle())
    await put(importer, bundle)

    await run(importer)

    expect([...importer.metrics.counts]).toEqual([['Imports ready', 1]])
    expect(importer.metrics.observed.get('ImportedBytes')).toEqual([bundle.length])
    expect(importer.metrics.observed.get('ImportSeconds')).toHaveLength(1)
  })

  it('distinguish invalid bundles from failures of the system', async () => {
    const importer = anImporter()
    await put(importer, Buffer.from('no zip'))
    await run(importer)
    const broken = anImporter()
    await put(broken, Buffer.from('no zip'))
    const objects = { ...broken.objects, read: () => Promise.reject(new Error('unavailable')) }

    await runToTheEnd({ ...broken, objects }).catch(() => undefined)

    expect([...importer.metrics.counts]).toEqual([['Imports refused', 1]])
    expect([...broken.metrics.counts]).toEqual([['Imports engine-error', 1]])
    expect(await broken.uploads.find(UPLOAD_ID)).toMatchObject({ state: 'FAILED' })
  })
})
