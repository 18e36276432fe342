import * as z from 'zod'
import type { DynamoTable, ItemKey } from '../aws/dynamo-table.ts'
import type { DynamoWrites } from '../aws/dynamo-writes.ts'
import { DomainError } from '../contract/errors.ts'
import type { Identity } from '../shared/identity.ts'
import type { TaskRepository } from './task-repository.ts'

const nameSchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('RESERVED'), uploadId: z.string(), leaseUntil: z.string() }),
  z.object({ status: z.literal('TAKEN'), uploadId: z.string(), taskId: z.string() }),
  z.object({ status: z.literal('IN_REMOVAL'), uploadId: z.string(), taskId: z.string() }),
])

/** Item of a name that a task has. */
type TakenName = Exclude<z.infer<typeof nameSchema>, { readonly status: 'RESERVED' }>

/** Key of the item of a name. */
export function nameKey(namespace: string, version: string): ItemKey {
  return { pk: `NAME#${namespace}@${version}`, sk: 'NAME' }
}

/** Reserves names of tasks. */
export function createTaskNames(
  writes: DynamoWrites,
  identity: Identity,
): Pick<TaskRepository, 'reserveName' | 'releaseName'> {
  return {
    async reserveName({ namespace, version, uploadId, leaseSeconds }) {
      const now = identity.now()
      const { isChanged, item } = await writes.update(nameKey(namespace, version), {
        set: {
          status: 'RESERVED',
          uploadId,
          leaseUntil: new Date(now.getTime() + leaseSeconds * 1000).toISOString(),
        },
        condition:
          'attribute_not_exists(#status) OR (#status = :reserved AND (#uploadId = :uploadId OR #leaseUntil <= :now))',
        values: { ':reserved': 'RESERVED', ':uploadId': uploadId, ':now': now.toISOString() },
      })
      if (isChanged) return
      // The same import published the task before and is being retried.
      const name = item === undefined ? undefined : nameSchema.parse(item)
      if (name?.uploadId === uploadId && name.status === 'TAKEN') return
      throw new DomainError('INTERNAL_TASK_EXISTS')
    },

    async releaseName({ namespace, version, uploadId }) {
      const held = {
        condition: '#status = :reserved AND #uploadId = :uploadId',
        values: { ':reserved': 'RESERVED', ':uploadId': uploadId },
      }
      await writes.transact([{ remove: nameKey(namespace, version), if: held }])
    },
  }
}

/** The name's item if a task has the name, hidden tasks included. */
export async function findTaken(
  table: DynamoTable,
  namespace: string,
  version: string,
): Promise<TakenName | undefined> {
  const item = await table.get(nameKey(namespace, version))
  const name = item === undefined ? undefined : nameSchema.parse(item)
  return name === undefined || name.status === 'RESERVED' ? undefined : name
}
