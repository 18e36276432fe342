import type { Identity } from '../../src/shared/identity.ts'
import {
  LAYER_KNOWN_SECONDS,
  type LayerRepository,
  MAX_PLACES,
  type PublishedLayer,
} from '../../src/upload/published-layer.ts'

interface Entry {
  readonly published: PublishedLayer
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** In-memory layer repository for tests. */
export function createMemoryLayerRepository(identity: Identity): LayerRepository {
  const entries = new Map<string, Entry>()
  const now = (): number => identity.now().getTime()
  const keyOf = ({ digest, repository }: Pick<PublishedLayer, 'digest' | 'repository'>): string =>
    `${digest} ${repository}`

  return {
    async record(layers) {
      for (const published of layers) {
        const known = entries.get(keyOf(published))?.published.layer.diffId
        if (known !== undefined && known !== published.layer.diffId) continue
        const expiresAt = now() + LAYER_KNOWN_SECONDS * 1000
        entries.set(keyOf(published), { published: structuredClone(published), expiresAt })
      }
    },

    async find(digest, preferred) {
      return [...entries.values()]
        .filter(({ published, expiresAt }) => published.digest === digest && expiresAt > now())
        .map(({ published }) => structuredClone(published))
        .sort((a, b) => {
          if (a.repository === preferred || b.repository === preferred)
            return a.repository === preferred ? -1 : 1
          return a.repository < b.repository ? -1 : 1
        })
        .slice(0, MAX_PLACES)
    },

    async forget(layer) {
      entries.delete(keyOf(layer))
    },
  }
}
