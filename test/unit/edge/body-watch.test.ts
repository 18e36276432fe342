import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { watchBody } from '../../../edge/body-watch.ts'
import { MIN_BYTES_PER_SECOND, PROGRESS_BYTES } from '../../../edge/limits.ts'

const RATE_PERIOD_MS = 60_000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A body whose bytes the edge reads as they arrive. */
function aBody() {
  const socket = new Socket()
  let bytesRead = 0
  Object.defineProperty(socket, 'bytesRead', { get: () => bytesRead })
  const request = new IncomingMessage(socket)
  const onStalled = vi.fn()
  const watch = watchBody(request, RATE_PERIOD_MS, onStalled)
  const arrive = (bytes: number): void => {
    bytesRead += bytes
  }
  return { request, watch, onStalled, arrive }
}

describe('a watched body', () => {
  it('stalls when fewer bytes than the minimum arrive in the idle time', () => {
    const { onStalled, arrive } = aBody()

    for (let second = 0; second < 59; second += 1) {
      arrive(MIN_BYTES_PER_SECOND - 1)
      vi.advanceTimersByTime(1000)
    }
    expect(onStalled).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1000)

    expect(onStalled).toHaveBeenCalledTimes(1)
  })

  it('does not stall at the minimum, whatever its duration', () => {
    const { onStalled, arrive } = aBody()

    for (let second = 0; second < 600; second += 1) {
      arrive(MIN_BYTES_PER_SECOND)
      vi.advanceTimersByTime(1000)
    }

    expect(onStalled).not.toHaveBeenCalled()
  })

  it('does not stall while the edge has not read its bytes', () => {
    const { request, watch, onStalled } = aBody()
    request.push(Buffer.alloc(1))

    vi.advanceTimersByTime(10 * RATE_PERIOD_MS)

    expect(onStalled).not.toHaveBeenCalled()
    expect(watch.stalledMs()).toBe(0)
    request.read()
    vi.advanceTimersByTime(RATE_PERIOD_MS + 1000)
    expect(onStalled).toHaveBeenCalledTimes(1)
  })

  it('measures the time since its last progress', () => {
    const { watch, arrive } = aBody()

    vi.advanceTimersByTime(3000)
    expect(watch.stalledMs()).toBe(3000)
    arrive(PROGRESS_BYTES)
    expect(watch.stalledMs()).toBe(0)
    arrive(PROGRESS_BYTES - 1)
    vi.advanceTimersByTime(1000)

    expect(watch.stalledMs()).toBe(1000)
    expect(watch.bytesPerSecond()).toBe((2 * PROGRESS_BYTES - 1) / 4)
  })

  it('is no longer watched when its connection is closed', async () => {
    const { request, onStalled } = aBody()
    const closed = new Promise((resolve) => request.once('close', resolve))
    request.on('error', () => undefined)

    request.destroy()
    await vi.runAllTicks()
    await closed
    vi.advanceTimersByTime(10 * RATE_PERIOD_MS)

    expect(onStalled).not.toHaveBeenCalled()
  })
})
