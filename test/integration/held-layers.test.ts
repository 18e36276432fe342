import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openZip } from '../../src/archive/zip/read-zip.ts'
import { openOutgoingBundle } from '../../src/import/outgoing-bundle.ts'
import { bufferSource } from '../../src/shared/byte-source.ts'
import { readAll } from '../../src/shared/read-all.ts'
import { packZip } from '../fixtures/bundle-builder.ts'
import { call, callOk, outputsOf, startRun, waitForState } from './engine-client.ts'
import { aVariant } from './stack-controls.ts'

const EXAMPLE = join(import.meta.dirname, '../../examples/add-and-echo/add-and-echo.zip')

interface UploadAnswer {
  readonly id: string
  readonly state: string
  readonly layers?: readonly { readonly digest: string; readonly held: boolean }[]
  readonly error?: { readonly errorCode: string }
}

const json = async (method: string, path: string, body?: object): Promise<UploadAnswer> =>
  (await (await callOk(method, path, body as never)).json()) as UploadAnswer

/** The example in another namespace and version, as a zip with stored entries, as clients send it. */
async function aStoredBundle(namespace: string, version: string): Promise<Buffer> {
  const descriptor = (text: string): string => text.replace(/^version: .*$/mu, `version: ${version}`)
  const zip = await openZip(bufferSource(await aVariant(EXAMPLE, namespace, { descriptor })))
  const entries = await Promise.all(
    zip.entries.map(async (entry) => ({ name: entry.name, body: await readAll(zip.read(entry)) })),
  )
  return await packZip(entries, { compress: false })
}

/** Sends a bundle without the layers that the service has, and waits for its import. */
async function sendThin(bundle: Buffer): Promise<UploadAnswer & { readonly sentBytes: number }> {
  const outgoing = await openOutgoingBundle(bufferSource(bundle))
  const { id, layers = [] } = await json('POST', 'uploads', { purpose: 'task', layers: outgoing.layers })
  const source = await outgoing.without(new Set(layers.flatMap(({ digest, held }) => (held ? [digest] : []))))
  const bytes = await readAll(await source.read(0, source.sizeBytes))
  const urls = await (await callOk('POST', `uploads/${id}/part-urls`, { first: 1, last: 1 })).json()
  const [part] = (urls as { readonly parts: readonly { readonly url: string }[] }).parts
  await fetch(part?.url ?? '', { method: 'PUT', body: new Uint8Array(bytes) })
  await callOk('POST', `uploads/${id}/complete`)
  for (;;) {
    const upload = await json('GET', `uploads/${id}`)
    if (upload.state === 'READY' || upload.state === 'FAILED') return { ...upload, sentBytes: bytes.length }
  }
}

describe('a bundle without held layers', () => {
  it('becomes a runnable task, in the same namespace and in another', async () => {
    const first = await aStoredBundle('org.example.layers', '1.0.0')
    const whole = await sendThin(first)

    const next = await sendThin(await aStoredBundle('org.example.layers', '1.1.0'))
    const other = await sendThin(await aStoredBundle('org.example.other-layers', '1.0.0'))

    expect([whole, next, other].map(({ state }) => state)).toEqual(['READY', 'READY', 'READY'])
    // The layer of the first one may be held too, because of another test of the same stack.
    expect([next, other].map(({ layers }) => layers?.map(({ held }) => held))).toEqual([[true], [true]])
    expect(next.sentBytes).toBeLessThan(first.length / 2)
    for (const task of ['tasks/org.example.layers/1.1.0', 'tasks/org.example.other-layers/1.0.0']) {
      const run = await startRun(task, { a: 2, b: 3, text: 'held' })
      expect((await waitForState(run, 'final')).state).toBe('FINISHED')
      expect(await outputsOf(run)).toMatchObject({ sum: 5 })
    }
  })

  it('can name 127 layers but not 128, and layers that the registry lacks are not held', async () => {
    const layers = Array.from({ length: 128 }, () => ({ digest: `sha256:${'0'.repeat(64)}`, size: 1 }))

    const refused = await call('POST', 'uploads', { purpose: 'task', layers })
    const taken = await json('POST', 'uploads', { purpose: 'task', layers: layers.slice(1) })

    expect(refused.status).toBe(400)
    expect(taken.layers?.filter(({ held }) => held)).toEqual([])
  })
})
