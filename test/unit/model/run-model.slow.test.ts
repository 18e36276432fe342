import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createWorld } from './world.ts'

/** Number of random sequences of each kind. A failure reports the seed that repeats it. */
const SEQUENCES = 1000

describe('runs in a random sequence of steps', () => {
  it.each([
    { news: 'with events that are lost, repeated, late and reordered', hasEvents: true },
    { news: 'without any event', hasEvents: false },
  ])(
    'all end as they must, $news',
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
