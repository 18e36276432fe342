import { describe, expect, it } from 'vitest'
import { createTransfer } from '../../../cli/transfer.ts'

const MB = 1_000_000

/** A transfer with a clock in seconds. */
function aTransfer(total: number, present = 0) {
  let seconds = 0
  const transfer = createTransfer({ total, present }, () => seconds * 1000)
  return {
    add(bytes: number, after: number) {
      seconds += after
      return transfer.add(bytes)
    },
  }
}

describe('a transfer', () => {
  it('has a share, a rate and the time left', () => {
    const { add } = aTransfer(100 * MB)

    expect(add(10 * MB, 5)).toBe('10 %, 2.0 MB/s, 45 s left')
  })

  it('ends at 100 % with no time left', () => {
    const { add } = aTransfer(3)

    const lines = [add(1, 1), add(1, 1), add(1, 1)]

    expect(lines).toEqual(['33 %, 1 B/s, 2 s left', '66 %, 1 B/s, 1 s left', '100 %, 1 B/s, 0 s left'])
  })

  it('follows a line that slows down', () => {
    const { add } = aTransfer(1000 * MB)
    for (let second = 0; second < 60; second += 1) add(10 * MB, 1)

    const lines = Array.from({ length: 40 }, () => add(MB, 1))

    expect(lines[0]).toContain('9.7 MB/s')
    expect(lines.at(-1)).toBe('64 %, 1.0 MB/s, 6 min left')
  })

  it('counts what an earlier call has sent in the share, but not in the rate', () => {
    const { add } = aTransfer(100 * MB, 50 * MB)

    expect(add(10 * MB, 10)).toBe('60 %, 1.0 MB/s, 40 s left')
  })

  it('takes back the bytes of a failed attempt', () => {
    const { add } = aTransfer(100 * MB)

    const lines = [add(10 * MB, 5), add(-10 * MB, 5), add(20 * MB, 10)]

    expect(lines).toEqual(['10 %, 2.0 MB/s, 45 s left', '0 %', '20 %, 1.0 MB/s, 1 min 20 s left'])
  })

  it('follows many small pieces', () => {
    const { add } = aTransfer(1000 * MB)
    for (let piece = 0; piece < 100_000; piece += 1) add(1000, 0.001)

    expect(add(0, 0)).toMatch(/^10 %, 1\.0 MB\/s, 15 min/u)
  })

  it('has a finite rate when the first part arrives at once', () => {
    const { add } = aTransfer(100)

    expect(add(50, 0)).toBe('50 %, 50.0 kB/s, 1 s left')
  })
})
