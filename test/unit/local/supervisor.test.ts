import { expect, it, vi } from 'vitest'
import type { Child } from '../../../local/child.ts'
import { supervise } from '../../../local/supervisor.ts'

/** A process that runs until it is stopped or exits. */
function aChild(pid: number): Child & { readonly die: () => void; readonly isRunning: () => boolean } {
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  let isRunning = true
  const die = (): void => {
    isRunning = false
    resolve()
  }
  return { pid, ended, die, isRunning: () => isRunning, stop: async () => die() }
}

const quiet = { name: 'part', warn: () => {}, onDead: () => {} }

it('the supervisor restarts a program that exits', async () => {
  const children = [aChild(1), aChild(2)]
  const waiting = [...children]
  const part = await supervise({ ...quiet, start: async () => waiting.shift() ?? aChild(3) })
  children[0]?.die()
  await vi.waitFor(() => expect(part.pid()).toBe(2))
  await part.stop()
  expect(children[1]?.isRunning()).toBe(false)
})

it('the supervisor stops a program during its restart', async () => {
  const [first, second] = [aChild(1), aChild(2)]
  const { promise: restarted, resolve: restart } = Promise.withResolvers<Child>()
  const starts = [Promise.resolve<Child>(first), restarted]
  const start = vi.fn(() => starts.shift() ?? Promise.reject(new Error('no third start')))
  const part = await supervise({ ...quiet, start })
  first.die()
  await vi.waitFor(() => expect(start).toHaveBeenCalledTimes(2))
  const stopped = part.stop()
  restart(second)
  await stopped
  expect(second.isRunning()).toBe(false)
})

it('the supervisor does not restart a program that has exited five times in a row', async () => {
  const onDead = vi.fn()
  const start = async (): Promise<Child> => {
    const child = aChild(1)
    child.die()
    return child
  }
  await supervise({ ...quiet, start, onDead })
  await vi.waitFor(() => expect(onDead).toHaveBeenCalledExactlyOnceWith('The part exited 5 times in a row.'))
})
