import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createWorld } from './world.ts'

/** Sequences of each kind; a failure names the seed that replays it. */
const SEQUENCES = 1000

describe('runs under random events in random order', () => {
  it.each([
    { news: 'with events that are lost, doubled, late and shuffled', hasEvents: true },
    { news: 'without any event', hasEvents: false },
  ])(
    'all end right, $news',
    async ({ hasEvents }) => {
      await fc.assert(
        fc.asyncProperty(fc.integer(), fc.integer({ min: 20, max: 250 }), async (seed, steps) => {
          const world = await createWorld({ seed, hasEvents, steps })

          await world.live()
          await world.settle()

          expect(await world.findProblems()).toEqual([])
        }),
        { numRuns: SEQUENCES },
      )
    },
    120_000,
  )
})
