import { describe, expect, it } from 'vitest'
import { uploadKey } from '../../src/contract/storage-keys.ts'
import { importBundle } from '../../src/import/import-bundle.ts'
import type { LayerName } from '../../src/upload/mark-held.ts'
import {
  aBundle,
  aDescriptorText,
  aLayer,
  digestOf,
  dockerArchive,
  packZip,
} from '../fixtures/bundle-builder.ts'
import { createCheckedApp } from '../fixtures/checked-app.ts'
import { anEngine } from '../fixtures/engine.ts'
import { anImporter } from '../fixtures/memory-importer.ts'
import { blobName } from '../fixtures/oci-layout.ts'
import { mutateJson } from './mutate-json.ts'
import { createRandom, type Random } from './random.ts'

/*
 * Uploads with named layers, through the API: hostile names, and bundles that lack layers whether they are held or not. FUZZ_SEED and
 * FUZZ_UPLOADS select other cases.
 */

const FIRST_SEED = Number(process.env.FUZZ_SEED ?? 20_261_130)
const CASES = Number(process.env.FUZZ_UPLOADS ?? 2000)
const ROUTE = '/app-engine/v1/uploads'
/** Layers of one image by the contract; more names are refused. */
const MAX_NAMES = 127

const LAYERS = await Promise.all(['base', 'libraries', 'program'].map((text) => aLayer(text, `${text}.txt`)))
const FOREIGN = await aLayer('never imported', 'foreign.txt')
const nameOf = (layer: Buffer): LayerName => ({ digest: digestOf(layer), size: layer.length })

interface Answer {
  readonly status: number
  readonly json: Record<string, unknown>
}

/** API and importer on the same ports. A published task has the first two layers. */
async function aService() {
  const engine = await anEngine()
  const { identity, tasks, objects, uploads, layers, registry } = engine
  const importer = { ...anImporter(), identity, tasks, objects, uploads, layers, registry }
  const app = createCheckedApp(engine)
  const call = async (path: string, body: string): Promise<Answer> => {
    const answer = await app.fetch(`${ROUTE}${path}`, { method: 'POST', body })
    return { status: answer.status, json: (await answer.json()) as Answer['json'] }
  }
  const send = async (id: string, bytes: Buffer): Promise<string> => {
    const { json } = await call(`/${id}/part-urls`, '{"first":1,"last":1}')
    const [part] = json.parts as { url: string }[]
    engine.parts.receive(part?.url ?? '', bytes)
    expect((await call(`/${id}/complete`, '{}')).status).toBe(200)
    await importBundle(importer, { uploadId: id, object: { key: uploadKey(id) } })
    return (await uploads.find(id))?.state ?? ''
  }
  const { json } = await call('', '{"purpose":"task"}')
  expect(await send(String(json.id), await bundleOf('1.0.0', LAYERS.slice(0, 2)))).toBe('READY')
  return { ...engine, call, send }
}

type Service = Awaited<ReturnType<typeof aService>>

/** A bundle whose archive lacks the files of some layers. */
async function bundleOf(
  version: string,
  layers: readonly Buffer[],
  missing: readonly Buffer[] = [],
): Promise<Buffer> {
  const files = await dockerArchive({ layers })
  const left = new Set(missing.map((layer) => blobName(digestOf(layer))))
  const descriptor = aDescriptorText({ namespace: 'com.example.fuzz', version })
  const entries = await aBundle({ descriptor, image: files.filter(({ name }) => !left.has(name)) })
  return packZip(entries, { compress: false })
}

const some = <Item>(random: Random, items: readonly Item[], share: number): Item[] =>
  items.filter(() => random.chance(share))

/** Names as a hostile client may send them. */
function hostileNames(random: Random, layers: readonly Buffer[]): readonly unknown[] {
  const names = [...some(random, layers, 0.8).map(nameOf), ...some(random, [FOREIGN], 0.3).map(nameOf)]
  return random.pick<() => readonly unknown[]>([
    () => names,
    () => names,
    () => [...names, ...names],
    () => names.map((name) => ({ ...name, size: random.pick([0, name.size + 1, 2 ** 53 - 1]) })),
    () => Array.from({ length: random.pick([128, 5000]) }, () => nameOf(FOREIGN)),
    () => Array.from({ length: MAX_NAMES }, (_, size) => ({ digest: digestOf(String(size)), size })),
    () => names.map((name) => ({ ...name, held: true, repository: '../other', layer: name })),
    () => names.map(({ size }) => ({ digest: `sha256:${'../'.repeat(20)}`, size })),
    () => names.map(({ digest, size }) => ({ digest: digest.toUpperCase(), size })),
  ])()
}

/** Requires that the service marks exactly those of the accepted names as held that the registry holds. */
function requireTrueAnswers(json: Answer['json'], held: ReadonlySet<string>): void {
  const layers = (json.layers ?? []) as (LayerName & { readonly held: boolean })[]
  expect(layers.length).toBeLessThanOrEqual(MAX_NAMES)
  for (const layer of layers) expect(layer.held).toBe(held.has(`${layer.digest} ${layer.size}`))
}

describe('an upload with hostile names of layers', () => {
  it('is refused with a message, or marks exactly the layers that the registry holds', async () => {
    const { call } = await aService()
    const held = new Set(LAYERS.slice(0, 2).map((layer) => `${digestOf(layer)} ${layer.length}`))
    const statuses: Record<number, number> = {}
    for (let seed = FIRST_SEED; seed < FIRST_SEED + CASES; seed += 1) {
      const random = createRandom(seed)
      const body = JSON.stringify({ purpose: 'task', layers: hostileNames(random, LAYERS) })

      const { status, json } = await call('', random.chance(0.5) ? mutateJson(body, random) : body)

      expect([200, 400, 413], `seed ${seed}`).toContain(status)
      if (status === 200) requireTrueAnswers(json, held)
      else expect(json.message, `seed ${seed}`).toBeTruthy()
      statuses[status] = (statuses[status] ?? 0) + 1
    }
    for (const status of [200, 400]) expect(statuses[status]).toBeGreaterThan(CASES / 10)
  })
})

/** Sends a bundle without some of its layers. @returns state, and whether a layer is missing that is not held */
async function sendThin({ call, send }: Service, random: Random, version: string) {
  const layers = [...some(random, LAYERS, 0.7), ...some(random, [FOREIGN], 0.3)]
  const image = layers.length === 0 ? LAYERS : layers
  const names = random.chance(0.7) ? image.map(nameOf) : some(random, image, 0.5).map(nameOf)
  const { json } = await call('', JSON.stringify({ purpose: 'task', layers: names }))
  const answers = json.layers as (LayerName & { readonly held: boolean })[]
  const held = new Set(answers.flatMap((answer) => (answer.held ? [answer.digest] : [])))
  const missing = random.chance(0.5)
    ? image.filter((layer) => held.has(digestOf(layer)))
    : some(random, image, 0.4)
  const isForbidden = missing.some((layer) => !held.has(digestOf(layer)))
  return { image, isForbidden, state: await send(String(json.id), await bundleOf(version, image, missing)) }
}

/** Diff ids of the layers that the registry has for a published version. */
async function publishedDiffIds({ tasks, registry, layers }: Service, version: string): Promise<unknown[]> {
  const task = await tasks.findByName('com.example.fuzz', version)
  if (task === undefined) return []
  const { repository, digest } = task.image
  const manifest = JSON.parse(String(registry.manifest(repository, digest))) as {
    layers: { digest: string }[]
  }
  return Promise.all(manifest.layers.map(async (layer) => (await layers.find(layer.digest))[0]?.layer.diffId))
}

describe('a bundle that lacks layers', () => {
  it('is imported exactly when all of them are held, with the layers that its config names', async () => {
    const states: Record<string, number> = { READY: 0, FAILED: 0 }
    let service = await aService()
    for (let index = 0; index < CASES / 10; index += 1) {
      const seed = FIRST_SEED + index
      // A service holds the layers of each published image, so an older one would allow most bundles.
      if (index % 4 === 0) service = await aService()
      const version = `2.0.${index}`

      const { image, isForbidden, state } = await sendThin(service, createRandom(seed), version)

      expect(state, `seed ${seed}`).toBe(isForbidden ? 'FAILED' : 'READY')
      const expected = isForbidden ? [] : image.map(digestOf)
      expect(await publishedDiffIds(service, version), `seed ${seed}`).toEqual(expected)
      states[state] = (states[state] ?? 0) + 1
    }
    expect(Math.min(states.READY ?? 0, states.FAILED ?? 0)).toBeGreaterThan(CASES / 100)
  })
})
