import { z } from 'zod'
import { storeSchema } from '../routes/stores.ts'
import { component } from './components.ts'
import {
  answersJson,
  answersNothing,
  JSON_TYPE,
  type RouteDescriptions,
  refuses,
} from './route-description.ts'
import { uuid } from './shared-schemas.ts'

const store = component(
  'Store',
  z.strictObject({ id: uuid, name: z.string(), host: z.string(), defaultStore: z.boolean() }),
)

/** http-api 5.12 */
export const STORE_DESCRIPTIONS: RouteDescriptions = {
  'GET /stores': {
    tag: 'stores',
    operationId: 'listStores',
    summary: 'Lists all stores',
    answers: answersJson(z.array(store), 'All stores.'),
  },
  'POST /stores': {
    tag: 'stores',
    operationId: 'createStore',
    summary: 'Adds a store',
    description: 'It is not made the default; unknown keys are ignored.',
    body: { [JSON_TYPE]: component('NewStore', storeSchema, 'input') },
    answers: {
      ...answersJson(store, 'The new store.'),
      ...refuses({ 400: 'No JSON object, a blank name or host, or a store with the same name and host.' }),
    },
  },
  'GET /stores/default': {
    tag: 'stores',
    operationId: 'getDefaultStore',
    summary: 'Describes the default store',
    answers: answersJson(store.nullable(), 'The default store; null while there is none.'),
  },
  'PUT /stores/{id}/default': {
    tag: 'stores',
    operationId: 'setDefaultStore',
    summary: 'Makes a store the default instead of another',
    description: 'A body is ignored.',
    answers: {
      ...answersNothing('It is the default.'),
      ...refuses({ 404: 'No such store, or the id is no UUID; the default stays what it was.' }),
    },
  },
  'DELETE /stores/{id}': {
    tag: 'stores',
    operationId: 'deleteStore',
    summary: 'Removes a store',
    answers: { 204: { description: 'There is no such store, or no longer.' } },
  },
}
