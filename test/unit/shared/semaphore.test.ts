import { describe, expect, it } from 'vitest'
import { createSemaphore } from '../../../src/shared/semaphore.ts'

describe('a semaphore', () => {
  it('serves waiters in order', async () => {
    const semaphore = createSemaphore(1)
    const entered: number[] = []
    await semaphore.acquire()
    const waiting = [1, 2].map(async (number) => {
      await semaphore.acquire()
      entered.push(number)
    })

    semaphore.release()
    await waiting[0]
    expect(entered).toEqual([1])
    semaphore.release()
    await waiting[1]
    expect(entered).toEqual([1, 2])
  })

  it('ignores the release of a permit that was already released or never acquired', async () => {
    const semaphore = createSemaphore(1)
    const permit = semaphore.permit()
    permit.release()
    await permit.acquire()
    permit.release()
    permit.release()

    expect([semaphore.tryAcquire(), semaphore.tryAcquire()]).toEqual([true, false])
  })
})
