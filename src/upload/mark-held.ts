import { DomainError } from '../contract/errors.ts'
import { mapUntilFailure } from '../shared/map-until-failure.ts'
import type { LayerRepository } from './published-layer.ts'
import type { NamedLayer } from './upload.ts'

/** Layer file of an image archive. */
export type LayerName = Omit<NamedLayer, 'held'>

export interface MarkHeldDependencies {
  readonly layers: Pick<LayerRepository, 'find' | 'forget'>
  readonly registry: { hasBlob(repository: string, digest: string): Promise<boolean> }
}

/** Maximum number of layers that are checked concurrently; each costs a query and a request to the registry. */
const MAX_CONCURRENT_CHECKS = 16

/**
 * Marks the layers of published tasks that the registry has. Each one is verified by a request, because the tasks that used it may have
 * been deleted since. If the registry does not respond, no layer is marked, and the client sends all of them.
 */
export async function markHeld(
  deps: MarkHeldDependencies,
  named: readonly LayerName[],
): Promise<readonly NamedLayer[]> {
  const sizes = new Map(named.map(({ digest, size }) => [`${digest} ${size}`, { digest, size }]))
  const held = new Set<string>()
  try {
    await mapUntilFailure(
      sizes,
      async ([key, layer]) => {
        if (await isHeld(deps, layer)) held.add(key)
      },
      { concurrency: MAX_CONCURRENT_CHECKS },
    )
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    held.clear()
  }
  return named.map(({ digest, size }) => ({ digest, size, held: held.has(`${digest} ${size}`) }))
}

async function isHeld(
  { layers, registry }: MarkHeldDependencies,
  { digest, size }: LayerName,
): Promise<boolean> {
  for (const place of await layers.find(digest)) {
    if (place.size !== size) continue
    if (await registry.hasBlob(place.repository, place.layer.digest)) return true
    await layers.forget(place)
  }
  return false
}
