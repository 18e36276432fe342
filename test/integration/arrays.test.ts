import { buffer } from 'node:stream/consumers'
import { beforeAll, describe, expect, it } from 'vitest'
import { openZip, readZipEntry } from '../../src/archive/zip/read-zip.ts'
import { bufferSource } from '../../src/shared/byte-source.ts'
import { call, callOk, installTask, outputsOf, startRun, waitForState } from './engine-client.ts'

const ITEMS = 2000
const LIMITS = { maxEntries: 10_000, maxNameBytes: 100, maxEntryBytes: 1000 }

/** Beginning of item 1234, which is in the second row. */
const ITEM = 1234
const ITEM_START = '{"type":"Polygon","coordinates":[[[23440.000,100.000],'

let run: string

beforeAll(async () => {
  const probe = await installTask('test/fixtures/probe-task/probe-task.zip', 'org.example.probe-task')
  run = await startRun(probe, { write_geometries: ITEMS })
  await waitForState(run, ['FINISHED'])
})

async function zipOf(path: string) {
  const { body } = await callOk('GET', path)
  return openZip(bufferSource(body === null ? Buffer.alloc(0) : await buffer(body)), LIMITS)
}

describe('an array output of many items', () => {
  it('is listed in the order of its indexes', async () => {
    const items = (await outputsOf(run)).geometries as { readonly index: number; readonly value: string }[]

    expect(items.map((item) => item.index)).toEqual(Array.from({ length: ITEMS }, (_, index) => index))
    expect(items[ITEM]?.value.startsWith(ITEM_START)).toBe(true)
  })

  it('returns single items by index, and 400 after the last index', async () => {
    const item = await callOk('GET', `${run}/output/geometries/indexes?value=${ITEM}`)

    expect((await item.text()).startsWith(ITEM_START)).toBe(true)
    expect((await call('GET', `${run}/output/geometries/indexes?value=${ITEMS}`)).status).toBe(400)
  })

  it.each([
    ['by itself', 'output/geometries', ITEMS + 1],
    ['with the other outputs', 'outputs.zip', ITEMS + 2],
  ])('can be downloaded %s as a zip of its folder', async (_, path, count) => {
    const zip = await zipOf(`${run}/${path}`)

    const item = zip.entries.find(({ name }) => name === `geometries/${ITEM}`)
    expect(zip.entries).toHaveLength(count)
    expect(zip.entries.find(({ name }) => name === 'geometries/array.yml')).toBeDefined()
    expect(item && String(await readZipEntry(zip, item, 1000)).startsWith(ITEM_START)).toBe(true)
  })
})
