import { describe, expect, it } from 'vitest'
import { mapUntilFailure } from '../../../src/shared/map-until-failure.ts'

describe('concurrent work on a list', () => {
  it('returns results in the order of the items', async () => {
    const first = Promise.withResolvers<string>()
    const work = async (item: number): Promise<string> => {
      if (item === 1) return first.promise
      if (item === 3) first.resolve('1')
      return String(item)
    }

    expect(await mapUntilFailure([1, 2, 3], work, { concurrency: 2 })).toEqual(['1', '2', '3'])
  })

  it('processes at most the maximum number of items concurrently', async () => {
    let underWay = 0
    let most = 0
    const work = async (): Promise<void> => {
      underWay += 1
      most = Math.max(most, underWay)
      await new Promise(setImmediate)
      underWay -= 1
    }

    await mapUntilFailure(new Array(20).keys(), work, { concurrency: 3 })

    expect(most).toBe(3)
  })

  it('starts nothing after a failure, and rejects after the remaining work has ended', async () => {
    const failure = new Error('item 2 failed')
    const events: string[] = []
    const work = async (item: number, signal: AbortSignal): Promise<void> => {
      events.push(`begins ${item}`)
      if (item === 2) throw failure
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      await new Promise(setImmediate)
      events.push(`ended ${item}`)
    }

    await expect(mapUntilFailure([1, 2, 3, 4], work, { concurrency: 2 })).rejects.toBe(failure)

    expect(events).toEqual(['begins 1', 'begins 2', 'ended 1'])
  })

  it('rejects with the reason of the outer signal', async () => {
    const controller = new AbortController()
    const reason = new Error('stopped')
    const work = async (item: number): Promise<number> => {
      controller.abort(reason)
      return item
    }

    const mapped = mapUntilFailure([1, 2, 3], work, { concurrency: 1, signal: controller.signal })

    await expect(mapped).rejects.toBe(reason)
  })
})
