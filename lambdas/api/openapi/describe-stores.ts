import * as z from 'zod'
import { storeSchema } from '../routes/stores.ts'
import { component } from './components.ts'
import { answersJson, answersNothing, body, type Descriptions, JSON_TYPE, refuses } from './description.ts'
import { uuid } from './shared-schemas.ts'

const store = component(
  'Store',
  z.strictObject({ id: uuid, name: z.string(), host: z.string(), defaultStore: z.boolean() }),
)

/** http-api 5.12 */
export const STORE_DESCRIPTIONS = {
  listStores: {
    summary: 'Lists all stores',
    responses: answersJson(z.array(store), 'All stores.'),
  },
  createStore: {
    summary: 'Adds a store',
    description: 'The new store is not the default; unknown keys are ignored.',
    requestBody: body({ [JSON_TYPE]: component('NewStore', storeSchema) }),
    responses: {
      ...answersJson(store, 'The new store.'),
      ...refuses({
        400: 'The body is not a JSON object, name or host is blank, or a store with the same name and host exists.',
      }),
    },
  },
  getDefaultStore: {
    summary: 'Describes the default store',
    responses: answersJson(store.nullable(), 'The default store; null while there is none.'),
  },
  setDefaultStore: {
    summary: 'Makes a store the default',
    description: 'The body is ignored.',
    responses: {
      ...answersNothing('The store is the default.'),
      ...refuses({ 404: 'No such store, or the id is not a UUID; the default is unchanged.' }),
    },
  },
  deleteStore: {
    summary: 'Deletes a store',
    responses: { 204: { description: 'The store does not exist, or was deleted.' } },
  },
} satisfies Partial<Descriptions>
