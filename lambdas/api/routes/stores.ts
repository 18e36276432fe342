import * as z from 'zod'
import { DomainError } from '../../../src/contract/errors.ts'
import type { JsonValue } from '../../../src/contract/json.ts'
import { printable } from '../../../src/contract/quoted.ts'
import { isUuid } from '../../../src/contract/uuid.ts'
import type { Identity } from '../../../src/shared/identity.ts'
import { createStore } from '../../../src/store/create-store.ts'
import type { StoreRepository } from '../../../src/store/store-repository.ts'
import { readJson } from '../json-body.ts'
import type { Handlers } from '../route-table.ts'
import { viewStore } from '../views.ts'

/** Ports and settings of these handlers. */
interface Dependencies {
  readonly identity: Identity
  readonly stores: StoreRepository
}

/** Maximum length of a text. Keeps an item far below DynamoDB's limit of 400 KB. */
const MAX_CHARACTERS = 2000
const text = z.string().trim().min(1).max(MAX_CHARACTERS)

/** Unknown keys are ignored, `defaultStore` with them (http-api 1.3 and 5.12). */
export const storeSchema = z.object({ name: text, host: text })

/** App stores (http-api 5.12). */
export function storeHandlers(deps: Dependencies) {
  return {
    listStores: async (context) => context.json((await deps.stores.list()).map(viewStore)),

    async createStore(context) {
      const store = parseStore(await readJson(context, 'UNKNOWN_STATE'))
      return context.json(viewStore(await createStore(deps, store)))
    },

    async getDefaultStore(context) {
      const store = await deps.stores.findDefault()
      return context.json(store === undefined ? null : viewStore(store))
    },

    async setDefaultStore(context) {
      const id = context.req.param('id')
      if (!isUuid(id)) throw new DomainError('INTERNAL_INVALID_STORE_NOT_FOUND')
      await deps.stores.makeDefault(id)
      return context.body(null, 200)
    },

    async deleteStore(context) {
      const id = context.req.param('id')
      if (isUuid(id)) await deps.stores.remove(id)
      return context.body(null, 204)
    },
  } satisfies Partial<Handlers>
}

/** @throws DomainError UNKNOWN_STATE for all but objects, as on every path (http-api 3.2); INTERNAL_INVALID_STORE_DATA */
function parseStore(body: JsonValue): z.infer<typeof storeSchema> {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) throw new DomainError('UNKNOWN_STATE')
  const parsed = storeSchema.safeParse(body)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const words = `${printable(issue?.path.join('.') ?? '', 60)}: ${printable(issue?.message ?? '')}; expected {"name": …, "host": "https://…"}`
  throw new DomainError('INTERNAL_INVALID_STORE_DATA', undefined, { words })
}
