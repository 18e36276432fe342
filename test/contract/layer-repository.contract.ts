import { beforeEach, describe, expect, it } from 'vitest'
import {
  LAYER_KNOWN_SECONDS,
  type LayerRepository,
  MAX_PLACES,
  type PublishedLayer,
} from '../../src/upload/published-layer.ts'
import type { FixedIdentity } from '../fixtures/fixed-identity.ts'

interface LayerRepositoryHarness {
  readonly layers: LayerRepository
  readonly identity: FixedIdentity
}

const DIGEST = `sha256:${'a'.repeat(64)}`
const DIFF_ID = `sha256:${'d'.repeat(64)}`

function aLayer(changes: Partial<PublishedLayer> = {}): PublishedLayer {
  return {
    digest: DIGEST,
    size: 1000,
    repository: 'tasks/a',
    folders: ['/inputs', '/outputs'],
    layer: {
      diffId: DIFF_ID,
      contentBytes: 4000,
      mountPoints: { inputs: 'folder' },
      digest: DIGEST,
      sizeBytes: 1000,
      compression: 'gzip',
    },
    ...changes,
  }
}

/** Contract of every layer repository. `setUp` returns an empty one for each test. */
export function describeLayerRepository(adapter: string, setUp: () => Promise<LayerRepositoryHarness>): void {
  describe(`layer repository (${adapter})`, () => {
    let layers: LayerRepository
    let identity: FixedIdentity

    beforeEach(async () => {
      const harness = await setUp()
      layers = harness.layers
      identity = harness.identity
    })

    it('is empty at first', async () => {
      expect(await layers.find(DIGEST)).toEqual([])
      expect(await layers.find(DIGEST, 'tasks/a')).toEqual([])
    })

    it('returns a recorded layer by the digest of its file', async () => {
      const plain = aLayer({ digest: DIFF_ID, size: 4000 })

      await layers.record([aLayer(), plain])

      expect(await layers.find(DIGEST)).toEqual([aLayer()])
      expect(await layers.find(DIFF_ID)).toEqual([plain])
    })

    it('returns the repositories that have a layer, the preferred one first', async () => {
      const places = ['tasks/a', 'tasks/b', 'tasks/c'].map((repository) => aLayer({ repository }))
      await layers.record(places)

      const found = await layers.find(DIGEST, 'tasks/b')

      expect(found.map(({ repository }) => repository)).toEqual(['tasks/b', 'tasks/a', 'tasks/c'])
    })

    it(`returns at most ${MAX_PLACES} repositories, including the preferred one`, async () => {
      const names = Array.from(
        { length: MAX_PLACES + 4 },
        (_, index) => `tasks/${String(index).padStart(2, '0')}`,
      )
      await layers.record(names.map((repository) => aLayer({ repository })))

      const found = await layers.find(DIGEST, names.at(-1))

      expect(found).toHaveLength(MAX_PLACES)
      expect(found[0]?.repository).toBe(names.at(-1))
    })

    it('replaces a layer by that of a later publication', async () => {
      await layers.record([aLayer()])

      await layers.record([aLayer({ folders: ['/data'] })])

      expect(await layers.find(DIGEST)).toEqual([aLayer({ folders: ['/data'] })])
    })

    it('never changes the diff id of a digest', async () => {
      await layers.record([aLayer()])

      await layers.record([aLayer({ layer: { ...aLayer().layer, diffId: DIGEST } })])

      expect(await layers.find(DIGEST)).toEqual([aLayer()])
    })

    it('removes one repository of a layer and keeps the others', async () => {
      const other = aLayer({ repository: 'tasks/b' })
      await layers.record([aLayer(), other])

      await layers.forget(aLayer())
      await layers.forget(aLayer())

      expect(await layers.find(DIGEST)).toEqual([other])
    })

    it('removes a layer when its time since the last publication is over', async () => {
      await layers.record([aLayer()])
      identity.advance(LAYER_KNOWN_SECONDS - 1)
      await layers.record([aLayer()])
      identity.advance(LAYER_KNOWN_SECONDS - 1)
      const known = await layers.find(DIGEST, 'tasks/a')

      identity.advance(1)

      expect(known).toEqual([aLayer()])
      expect(await layers.find(DIGEST)).toEqual([])
      expect(await layers.find(DIGEST, 'tasks/a')).toEqual([])
    })
  })
}
