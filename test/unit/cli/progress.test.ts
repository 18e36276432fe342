import { describe, expect, it } from 'vitest'
import { createProgress } from '../../../src/shared/progress.ts'

/** A writer and its output. Each read of the clock advances it by 250 ms. */
function aProgress(isTTY: boolean) {
  const written: string[] = []
  let time = 0
  const output = { isTTY, write: (text: string) => written.push(text) }
  const progress = createProgress(output, () => {
    time += 250
    return time
  })
  return { progress, written }
}

describe('progress', () => {
  it('has one line per step, with its duration in seconds', async () => {
    const { progress, written } = aProgress(false)

    const result = await progress.step('count', async () => 3)

    expect(result).toBe(3)
    expect(written).toEqual(['✓ count (0.3 s)\n'])
  })

  it('shows the current step on a terminal', async () => {
    const { progress, written } = aProgress(true)

    await progress.step('count', async () => undefined)

    expect(written).toEqual(['… count', '\r\u001b[2K✓ count (0.3 s)\n'])
  })

  it('shows details of a step on a terminal', async () => {
    const { progress, written } = aProgress(true)

    await progress.step('count', async (tell) => tell('2 of 3'))

    expect(written).toEqual(['… count', '\r\u001b[2K… count: 2 of 3', '\r\u001b[2K✓ count (0.3 s)\n'])
  })

  it('has a line for each ten seconds where the output is not a terminal', async () => {
    const { progress, written } = aProgress(false)

    await progress.step('count', async (tell) => {
      for (let done = 1; done <= 100; done += 1) tell(`${done} of 100`)
    })

    const details = written.slice(0, -1)
    expect(details.length).toBeGreaterThan(1)
    expect(details.length).toBeLessThan(5)
    for (const line of details) expect(line).toMatch(/^… count: \d+ of 100\n$/u)
    expect(written.at(-1)).toMatch(/^✓ count/u)
  })

  it('omits details of a short step where the output is not a terminal', async () => {
    const { progress, written } = aProgress(false)

    await progress.step('count', async (tell) => tell('2 of 3'))

    expect(written).toEqual(['✓ count (0.5 s)\n'])
  })

  it('marks a failed step and passes its error on', async () => {
    const { progress, written } = aProgress(false)
    const failing = progress.step('count', async () => {
      throw new Error('lost count')
    })

    await expect(failing).rejects.toThrow('lost count')

    expect(written).toEqual(['✗ count (0.3 s)\n'])
  })
})
