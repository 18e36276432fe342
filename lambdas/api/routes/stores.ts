import * as z from 'zod'
import { DomainError } from '../../../src/contract/errors.ts'
import { printable } from '../../../src/contract/quoted.ts'
import { isUuid } from '../../../src/run/find-run.ts'
import { createStore } from '../../../src/store/create-store.ts'
import type { ApiDependencies } from '../dependencies.ts'
import { readJson } from '../json-body.ts'
import { pathVariable, type Route } from '../route.ts'
import { viewStore } from '../views.ts'

/** Far above any real one, and far below what an item of the table holds. */
const MAX_CHARACTERS = 2000
const text = z.string().trim().min(1).max(MAX_CHARACTERS)

/** Unknown keys are ignored, `defaultStore` with them (http-api 1.3 and 5.12). */
export const storeSchema = z.object({ name: text, host: text })

/** App stores (http-api 5.12). */
export function storeRoutes(deps: ApiDependencies): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/stores',
      handle: async (context) => context.json((await deps.stores.list()).map(viewStore)),
    },
    {
      method: 'POST',
      path: '/stores',
      handle: async (context) => {
        // Unreadable bodies get one error on every path (http-api 3.2).
        const body = await readJson(context, 'UNKNOWN_STATE')
        if (body === null || typeof body !== 'object' || Array.isArray(body)) {
          throw new DomainError('UNKNOWN_STATE')
        }
        const parsed = storeSchema.safeParse(body)
        if (!parsed.success) {
          const [issue] = parsed.error.issues
          const words = `${printable(issue?.path.join('.') ?? '', 60)}: ${printable(issue?.message ?? '')}; expected {"name": …, "host": "https://…"}`
          throw new DomainError('INTERNAL_INVALID_STORE_DATA', undefined, { words })
        }
        return context.json(viewStore(await createStore(deps, parsed.data)))
      },
    },
    {
      method: 'GET',
      path: '/stores/default',
      handle: async (context) => {
        const store = await deps.stores.findDefault()
        return context.json(store === undefined ? null : viewStore(store))
      },
    },
    {
      method: 'DELETE',
      path: '/stores/:id',
      handle: async (context) => {
        const id = pathVariable(context, 'id')
        if (isUuid(id)) await deps.stores.remove(id)
        return context.body(null, 204)
      },
    },
    {
      method: 'PUT',
      path: '/stores/:id/default',
      handle: async (context) => {
        const id = pathVariable(context, 'id')
        if (!isUuid(id)) throw new DomainError('INTERNAL_INVALID_STORE_NOT_FOUND')
        await deps.stores.makeDefault(id)
        return context.body(null, 200)
      },
    },
  ]
}
