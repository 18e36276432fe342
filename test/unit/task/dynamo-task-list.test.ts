import { TransactionConflictException } from '@aws-sdk/client-dynamodb'
import { beforeEach, describe, expect, it } from 'vitest'
import type { DynamoTable, Item } from '../../../src/aws/dynamo-table.ts'
import type { DynamoWrites } from '../../../src/aws/dynamo-writes.ts'
import { createTaskList, type TaskList } from '../../../src/task/dynamo-task-list.ts'
import { summaryOf, type TaskSummary } from '../../../src/task/task.ts'
import { aTask } from '../../fixtures/builders.ts'
import { createFixedIdentity } from '../../fixtures/fixed-identity.ts'
import { createChance } from '../model/chance.ts'

const MINUTES = 60

/** A table with its item for the list, and the tasks of the table. `turn` is called before each call takes effect. */
function aTableOfTasks(turn: () => Promise<void> = async () => {}) {
  const identity = createFixedIdentity()
  const tasks = new Map<string, TaskSummary>()
  let item: Record<string, unknown> | undefined
  let reads = 0
  const get = async (): Promise<Item | undefined> => {
    await turn()
    return item && { ...item }
  }
  const update: DynamoWrites['update'] = async (_key, { set, add = {}, remove = [] }) => {
    await turn()
    const next: Record<string, unknown> = { ...item, ...set }
    for (const [name, value] of Object.entries(add)) next[name] = Number(next[name] ?? 0) + value
    for (const name of remove) delete next[name]
    item = next
    return { isChanged: true, item: next }
  }
  const read = async (): Promise<readonly TaskSummary[]> => {
    await turn()
    reads += 1
    return [...tasks.values()]
  }
  /** The list of one process, which uses no other methods of table and writes. */
  const aProcess = (maxKeptBytes?: number) =>
    createTaskList({
      table: { get } as unknown as DynamoTable,
      writes: { update } as DynamoWrites,
      identity,
      read,
      ...(maxKeptBytes !== undefined && { maxKeptBytes }),
    })
  const put = async (id: string, changes: Parameters<typeof aTask>[0] = {}): Promise<void> => {
    await turn()
    tasks.set(id, summaryOf(aTask({ id, ...changes })))
  }
  return {
    identity,
    aProcess,
    put,
    tasks,
    reads: () => reads,
    marks: () => Object.keys(item ?? {}).length - 1,
  }
}

const idsOf = (tasks: readonly TaskSummary[]): string[] => tasks.map(({ id }) => id)

describe('the list of tasks of a process', () => {
  let table: ReturnType<typeof aTableOfTasks>
  let here: ReturnType<typeof table.aProcess>
  let elsewhere: ReturnType<typeof table.aProcess>
  beforeEach(async () => {
    table = aTableOfTasks()
    here = table.aProcess()
    elsewhere = table.aProcess()
    await elsewhere.change(() => table.put('a'))
  })

  it('is read once while no process changes it', async () => {
    const lists = [await here.current(), await here.current(), await here.current()]

    expect(idsOf(lists[0] ?? [])).toEqual(['a'])
    expect(new Set(lists).size).toBe(1)
    expect(table.reads()).toBe(1)
  })

  it('is read again after a change by another process', async () => {
    await here.current()
    await elsewhere.change(() => table.put('b'))

    expect(idsOf(await here.current())).toEqual(['a', 'b'])
    expect(table.reads()).toBe(2)
  })

  it('is read each time, and not cached, while a change is in progress', async () => {
    const { promise: isWritten, resolve: write } = Promise.withResolvers<void>()
    const changing = elsewhere.change(() => isWritten.then(() => table.put('b')))
    const meanwhile = [await here.current(), await here.current()]
    write()
    await changing

    expect(meanwhile.map(idsOf)).toEqual([['a'], ['a']])
    expect(idsOf(await here.current())).toEqual(['a', 'b'])
    expect(table.reads()).toBe(3)
  })

  it('is read each time from a table that this version of the program has never changed', async () => {
    const old = aTableOfTasks()
    const list = old.aProcess()
    await list.current()
    await old.put('published-without-a-mark')

    expect(idsOf(await list.current())).toEqual(['published-without-a-mark'])
  })

  it('contains within a minute a task that was published without a mark', async () => {
    await here.current()
    await table.put('b')
    table.identity.advance(1 * MINUTES)

    expect(idsOf(await here.current())).toEqual(['a', 'b'])
  })

  it('is read each time for 20 minutes after a process crashed during a change, then cached again', async () => {
    await expect(elsewhere.change(() => Promise.reject(new Error('killed')))).rejects.toThrow('killed')
    table.identity.advance(19 * MINUTES)
    await here.current()
    await here.current()
    const before = table.reads()
    table.identity.advance(1 * MINUTES)
    await here.current()
    await here.current()

    expect([before, table.reads()]).toEqual([2, 3])
  })

  it.each([
    ['a failed condition', () => Promise.resolve(false)],
    [
      'conflicts with other transactions',
      () => Promise.reject(new TransactionConflictException({ message: 'in use', $metadata: {} })),
    ],
  ])('is cached again at once after a change that %s prevented', async (_, write) => {
    await elsewhere.change<unknown>(write).catch(() => undefined)
    await here.current()
    await here.current()

    expect([table.marks(), table.reads()]).toEqual([0, 1])
  })

  it('contains a change that takes longer than the lifetime of its mark', async () => {
    const { promise: isWritten, resolve: write } = Promise.withResolvers<void>()
    const changing = elsewhere.change(() => isWritten.then(() => table.put('b')))
    table.identity.advance(20 * MINUTES)
    await here.current()
    write()
    await changing

    expect(idsOf(await here.current())).toEqual(['a', 'b'])
  })

  it('loses the mark of a crashed process with the next change', async () => {
    await expect(elsewhere.change(() => Promise.reject(new Error('killed')))).rejects.toThrow('killed')
    expect(table.marks()).toBe(1)
    table.identity.advance(20 * MINUTES)
    await elsewhere.change(() => table.put('b'))

    expect(table.marks()).toBe(0)
  })

  it.each([
    ['is cached when it has up to 4 MiB of JSON', 3.9, 1],
    ['is read each time when it is larger, and takes no memory in between', 4.1, 2],
  ])('%s', async (_, mebibytes, expectedReads) => {
    await elsewhere.change(() => table.put('large', { description: 'x'.repeat(mebibytes * 1024 * 1024) }))
    const list = table.aProcess()
    const first = await list.current()
    const second = await list.current()

    expect(table.reads()).toBe(expectedReads)
    expect(second === first).toBe(expectedReads === 1)
  })
})

describe('lists of many concurrent processes that publish, crash and list', () => {
  it.each(Array.from({ length: 100 }, (_, seed) => seed))(
    'contain what was published or shown before (seed %i)',
    async (seed) => {
      const chance = createChance(seed)
      const waiting = new Set<() => void>()
      const table = aTableOfTasks(() => new Promise((resolve) => waiting.add(resolve)))
      const processes = [table.aProcess(), table.aProcess(), table.aProcess()]
      const known = new Set<string>()
      const missed: string[] = []
      let changing = 0
      const publish = async (list: TaskList, id: string): Promise<void> => {
        const [diesBefore, diesAfter] = [chance.is(0.1), chance.is(0.2)]
        changing += 1
        const change = list.change(async () => {
          if (diesBefore) throw new Error('killed')
          await table.put(id)
          if (diesAfter) throw new Error('killed')
        })
        await change.then(
          () => known.add(id),
          () => {},
        )
        changing -= 1
      }
      const look = async (list: TaskList): Promise<void> => {
        const expected = [...known]
        const ids = new Set(idsOf(await list.current()))
        missed.push(...expected.filter((id) => !ids.has(id)))
        for (const id of ids) known.add(id)
      }
      const work = processes.map(async (list, index) => {
        for (let step = 0; step < 20; step += 1) {
          await (chance.is(0.2) ? publish(list, `${index}-${step}`) : look(list))
          // Only between changes, because no change takes longer than the lifetime of its mark.
          if (changing === 0 && chance.is(0.1)) table.identity.advance(20 * MINUTES)
        }
      })
      let isOver = false
      void Promise.all(work).then(() => {
        isOver = true
      })
      while (!isOver) {
        if (waiting.size > 0) {
          const take = chance.pick([...waiting])
          waiting.delete(take)
          take()
        }
        await new Promise(setImmediate)
      }

      expect(missed).toEqual([])
      expect(known.size).toBeGreaterThan(0)
    },
  )
})
