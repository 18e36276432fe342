import { lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { anOutput, aTask } from '../../fixtures/builders.ts'
import { endStaged } from '../../fixtures/staged-end.ts'
import { closeWebServers } from '../../fixtures/web-server.ts'
import { aFakeBucket } from '../stager/fake-bucket.ts'

afterEach(closeWebServers)

/** Number of output folders for which a run on this machine and one with the stager are compared. */
const RUNS = 200

/** Content that a task writes at a path: the text of a file, the target of a link, or an empty folder. */
type Written = string | { readonly link: string } | undefined
type Entries = readonly (readonly [path: string, written: Written])[]

const folder = undefined
const link = (target: string) => ({ link: target })

const task = aTask({
  inputs: [],
  outputFolder: '/results',
  outputs: [
    anOutput({ name: 'sum', type: { id: 'integer' } }),
    anOutput({
      name: 'list',
      type: { id: 'array', minSize: 0, maxSize: 3, allowMissing: false, subType: { id: 'integer' } },
    }),
    anOutput({ name: 'doc', type: { id: 'file' } }),
  ],
})

/** Targets that are in the output folder, and then those that are not, or are circular. */
const GOOD_FILES = [
  'spare',
  './spare',
  '/results/spare',
  'shelf/../spare',
  'chain',
  '/results/shelf/0',
  'shelf/0',
]
const BAD = ['missing', '../outputs/spare', '/etc/hostname', '/spare', '..', '.', '/results', 'circle', '/']
const GOOD_FOLDERS = ['shelf', '/results/shelf', './chain-to-shelf', 'shelf/']

/** Weights of what is usually accepted, and of what is usually refused. */
const [good, bad] = [8, 1]
const oneOf = (...choices: readonly (readonly [weight: number, entries: fc.Arbitrary<Entries>])[]) =>
  fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })))
const linked = (name: string, targets: readonly string[]): fc.Arbitrary<Entries> =>
  fc.constantFrom(...targets).map((target): Entries => [[name, link(target)]])
const just = (...entries: Entries): fc.Arbitrary<Entries> => fc.constant(entries)

const anyFile = (name: string): fc.Arbitrary<Entries> =>
  oneOf(
    [good, just([name, '5'])],
    [good, linked(name, GOOD_FILES)],
    [bad, linked(name, [...BAD, ...GOOD_FOLDERS])],
    [bad, just([name, folder])],
    [bad, just([`${name}.txt`, '5'])],
    [bad, just()],
  )

const anyItem = (index: number): fc.Arbitrary<Entries> =>
  oneOf(
    [good, just([`list/${index}`, String(index)])],
    [good, linked(`list/${index}`, ['../spare', '/results/spare', '../shelf/0', '/results/list/../spare'])],
    [
      bad,
      linked(`list/${index}`, [
        '../missing',
        '../../spare',
        '/etc/hostname',
        '../circle',
        '.',
        '..',
        '../shelf',
      ]),
    ],
    [bad, just([`list/${index}`, folder])],
    [bad, just([`list/${index}/0`, '1'])],
    [bad, just([`list/${index}`, 'many'])],
    [bad, just()],
  )

/** Path that is longer than the problem of an output may be. */
const LONG = Array.from({ length: 8 }, () => 'd'.repeat(200)).join('/')

const anyList = oneOf(
  [
    good,
    fc
      .tuple(anyItem(0), anyItem(1), fc.constantFrom(...['size: 2', 'size: 2', 'size: 2', 'size: 3', 'x']))
      .map(([first, second, size]): Entries => [['list/array.yml', size], ...first, ...second]),
  ],
  [good, linked('list', GOOD_FOLDERS)],
  [bad, linked('list', [...BAD, ...GOOD_FILES])],
  [bad, just(['list', '5'])],
  [bad, just([`list/${LONG}/back\\slash`, '1'])],
  [bad, just(['list/array.yml', link('../shelf/array.yml')], ['list/0', '1'])],
  [bad, just()],
)

/** Files that links lead to. They are not declared. */
const TARGETS: Entries = [
  ['spare', '7'],
  ['shelf/array.yml', 'size: 1'],
  ['shelf/0', '8'],
  ['chain', link('chain-2')],
  ['chain-2', link('/results/spare')],
  ['chain-to-shelf', link('shelf')],
  ['circle', link('circle-2')],
  ['circle-2', link('circle')],
]

const anyFolder = fc
  .tuple(anyFile('sum'), anyList, anyFile('doc'))
  .map((outputs): Entries => [...TARGETS, ...outputs.flat()])

function write(root: string, entries: Entries): void {
  for (const [name, written] of entries) {
    const path = join(root, name)
    mkdirSync(dirname(path), { recursive: true })
    if (written === folder) mkdirSync(path, { recursive: true })
    else if (typeof written === 'string') writeFileSync(path, written)
    else symlinkSync(written.link, path)
  }
}

describe('a run on this machine', () => {
  it('ends as in a service with the stager, for any folders and links in its output folder', async () => {
    const bucket = await aFakeBucket()
    const decisions: Record<string, number> = { FINISHED: 0, FAILED: 0 }
    let links = 0
    await fc.assert(
      fc.asyncProperty(anyFolder, async (entries) => {
        const { here, inService } = await endStaged(bucket, task, (root) => {
          write(root, entries)
          for (const name of ['sum', 'list', 'doc']) {
            links += lstatSync(join(root, name), { throwIfNoEntry: false })?.isSymbolicLink() === true ? 1 : 0
          }
        })

        expect(here).toEqual(inService)
        decisions[here.state] = (decisions[here.state] ?? 0) + 1
      }),
      { numRuns: RUNS },
    )
    // All outcomes must be frequent enough for a meaningful comparison.
    expect(Math.min(decisions.FINISHED ?? 0, decisions.FAILED ?? 0)).toBeGreaterThan(RUNS / 20)
    expect(links).toBeGreaterThan(RUNS / 4)
  })
})
