import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, it } from 'vitest'
import { PROJECT } from '../../local/aws-environment.ts'
import { findFreePort } from '../../local/ports.ts'
import { interrupt, type Leftovers, type Moment } from './interrupted-program.ts'

const BUNDLE = join(PROJECT, 'examples/add-and-echo/add-and-echo.zip')
/** Folder of make-bundle.mjs and compare.mjs, which bench:import needs. */
const TOOLS = process.env.BENCH_TOOLS ?? join(process.env.SHARED_DIR ?? '', 'bench')

const hasPrinted = (line: RegExp) => (moment: Moment) => line.test(moment.output)
/** The stack is up: its front door is the part that starts last. */
const isUp = hasPrinted(/^✓ edge /mu)
const runsProgram = (name: RegExp) => (moment: Moment) =>
  moment.commands.some((command) => name.test(command))
/** A task's container, or the stager beside it, is at work. */
const runsJob = runsProgram(/\bstager\.mjs |\blauncher\/main\.py run\b|\bconmon\b/u)
const startsContainers = runsProgram(/\b(?:docker|podman) .*\brun\b|\blauncher\/main\.py run\b/u)

const NOTHING: Leftovers = { processes: [], containers: [], folders: [] }

const port = await findFreePort()
afterAll(() => rm(join(PROJECT, '.local', `port-${port}`), { recursive: true, force: true }))

const PROGRAMS: readonly (readonly [words: string, isTime: (moment: Moment) => boolean])[] = [
  ['test:faults -- --runs 40', runsJob],
  ['bench:runs -- --runs 40', runsJob],
  // Finding the engine starts one too, before the stack is up.
  ['bench:overhead', (moment) => isUp(moment) && startsContainers(moment)],
  ['bench:engine', startsContainers],
  ['bench:api', isUp],
  ['bench:inputs -- 100', isUp],
  ['bench:outputs -- 100', isUp],
  [`bench:local -- --keep ${BUNDLE} --output 100M`, isUp],
  ['bench:edge', runsProgram(/\bedge\/main\.ts/u)],
  ['bench:edge-stalled', runsProgram(/\bedge\/main\.ts/u)],
]

describe.concurrent('Ctrl-C leaves no process, container or folder of', () => {
  it.for(PROGRAMS)('npm run %s', async ([words, isTime], { expect }) => {
    expect(await interrupt(words.split(' '), isTime)).toEqual(NOTHING)
  })

  it.runIf(existsSync(TOOLS))('npm run bench:import', async ({ expect }) => {
    const words = ['bench:import', '--', '--tools', TOOLS, '--sizes', '100M', '--alone', '', '--port', '0']
    expect(await interrupt(words, runsProgram(/\bdocker-registry serve\b/u))).toEqual(NOTHING)
  })

  it('npm start, but for what the next start finds again', async ({ expect }) => {
    expect(await interrupt(['start'], isUp, { PORT: String(port) })).toEqual({
      ...NOTHING,
      folders: [`.local/port-${port}`],
    })
  })
})
