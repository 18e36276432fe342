import { randomFillSync, randomUUID } from 'node:crypto'
import { describe, expect, inject, it } from 'vitest'
import { aBundle, aDescriptorText, dockerArchive, packTar, packZip } from '../fixtures/bundle-builder.ts'

const NAMESPACE = 'com.example.idempotency'
const MIB = 1024 * 1024

/** Creates a bundle that is large enough for the edge to upload it in parts. */
async function aLargeBundle(version: string): Promise<Buffer> {
  const layer = await packTar([{ name: 'data', body: randomFillSync(Buffer.alloc(8 * MIB)) }])
  const descriptor = aDescriptorText({ namespace: NAMESPACE, version })
  return packZip(await aBundle({ descriptor, image: await dockerArchive({ layers: [layer] }) }), {
    compress: false,
  })
}

async function post(path: string, key: string, body?: string | FormData) {
  const answer = await fetch(new URL(path, inject('baseUrl')), {
    method: 'POST',
    headers: { 'idempotency-key': key },
    ...(body !== undefined && { body }),
  })
  return {
    status: answer.status,
    isReplayed: answer.headers.has('idempotent-replayed'),
    retryAfter: answer.headers.get('retry-after'),
    text: await answer.text(),
  }
}

/** Creates a form with a bundle. The boundaries of forms differ. */
function formOf(bundle: Buffer): FormData {
  const form = new FormData()
  form.set('task', new File([new Uint8Array(bundle)], 'bundle.zip'))
  return form
}

describe('an idempotency key through edge and API', () => {
  it('imports a large bundle only once', async () => {
    const [bundle, key] = [await aLargeBundle('1.0.0'), randomUUID()]

    const first = await post('tasks', key, formOf(bundle))
    const again = await post('tasks', key, formOf(bundle))
    const other = await post('tasks', key, formOf(await aLargeBundle('2.0.0')))

    expect(first).toMatchObject({ status: 200, isReplayed: false })
    expect(again).toMatchObject({ status: 200, text: first.text })
    expect(other.status).toBe(422)
    const runs = `tasks/${NAMESPACE}/1.0.0/runs`
    const run = await post(runs, randomUUID())
    expect(run.status).toBe(200)
    const listed = (await (await fetch(new URL(runs, inject('baseUrl')))).json()) as unknown[]
    expect(listed).toHaveLength(1)
  })

  it('lets exactly one of several concurrent calls create a store', async () => {
    const key = randomUUID()
    const store = JSON.stringify({ name: randomUUID(), host: 'https://store.example.org' })

    const answers = await Promise.all(Array.from({ length: 6 }, () => post('stores', key, store)))
    const later = await post('stores', key, store)

    const [created] = answers.filter(({ status, isReplayed }) => status === 200 && !isReplayed)
    expect(later).toEqual({ ...created, isReplayed: true })
    for (const { status, retryAfter, text } of answers) {
      if (status === 409) expect(retryAfter).toBe('5')
      else expect([status, text]).toEqual([200, created?.text])
    }
  })
})
