import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NONE, SweepLine } from '../../../../src/task/parameters/sweep-line.ts'

/** The edges from the bottom up. In these tests, edges are numbers, and a larger one is above a smaller one. */
function edgesOf(line: SweepLine): number[] {
  const edges: number[] = []
  let node = line.highestNotAbove(() => false)
  for (; node !== NONE; node = line.below[node] ?? NONE) edges.unshift(line.edge[node] ?? NONE)
  return edges
}

function insert(line: SweepLine, edge: number): number {
  return line.insertAbove(
    line.highestNotAbove((other) => other > edge),
    edge,
  )
}

describe('the sweep line', () => {
  it('keeps edges in order under insertions and removals', () => {
    const edges = fc.uniqueArray(fc.nat(1000), { maxLength: 60 })
    fc.assert(
      fc.property(edges, fc.array(fc.nat()), (added, removals) => {
        const line = new SweepLine(added.length, { operations: 0 })
        const nodes = new Map<number, number>()
        for (const edge of added) nodes.set(edge, insert(line, edge))
        const remaining = [...added]
        for (const removal of removals.slice(0, added.length)) {
          const [edge = NONE] = remaining.splice(removal % remaining.length, 1)
          line.remove(nodes.get(edge) ?? NONE)
        }

        expect(edgesOf(line)).toEqual(remaining.toSorted((a, b) => a - b))
      }),
    )
  })

  it('reuses the node of a removed edge', () => {
    const line = new SweepLine(2, { operations: 0 })
    for (let edge = 0; edge < 100; edge += 1) {
      const node = insert(line, edge)
      expect(edgesOf(line)).toEqual([edge])
      line.remove(node)
    }
  })

  it.each([
    ['ascending', (edge: number) => edge],
    ['descending', (edge: number) => -edge],
    ['from both ends', (edge: number) => (edge % 2 === 0 ? edge : -edge)],
  ])('is searched in few steps after edges were inserted: %s', (_, order) => {
    const [count, effort] = [20_000, { operations: 0 }]
    const line = new SweepLine(count, effort)
    for (let edge = 0; edge < count; edge += 1) insert(line, order(edge))

    // A random search tree takes 2 ln n steps on average, which is 1.39 log2 n.
    expect(effort.operations / count).toBeLessThan(3 * Math.log2(count))
  })
})
