import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, it } from 'vitest'
import { PROJECT } from '../../local/aws-environment.ts'
import { findFreePort } from '../../local/ports.ts'
import { interrupt, type Moment, type RemainingResources } from './interrupted-program.ts'

const BUNDLE = join(PROJECT, 'examples/add-and-echo/add-and-echo.zip')
/** Folder of make-bundle.mjs and compare.mjs, which bench:import needs. */
const TOOLS = process.env.BENCH_TOOLS ?? join(process.env.SHARED_DIR ?? '', 'bench')

const hasPrinted = (line: RegExp) => (moment: Moment) => line.test(moment.output)
/** The edge is the part that starts last. */
const isUp = hasPrinted(/^✓ edge /mu)
const runsProgram = (name: RegExp) => (moment: Moment) =>
  moment.commands.some((command) => name.test(command))
const startsContainer = runsProgram(/\b(?:docker|podman) .*\brun\b|\blauncher\/main\.py run\b/u)
/** `isUp` excludes the containers that the search for a container engine runs before. */
const runsTask = (moment: Moment) => isUp(moment) && startsContainer(moment)
const runsStager = runsProgram(/\bstager\.mjs /u)
const measuresEngine = runsProgram(/\bapp-engine\.job=bench-|\blauncher\/main\.py run \S*-bench-/u)
const deploys = runsProgram(/\bcdk deploy\b/u)

type Case = readonly [words: string, isTime: (moment: Moment) => boolean]

const PROGRAMS: readonly Case[] = [
  ['test:faults -- --runs 40', runsStager],
  ['bench:runs -- --runs 40', runsStager],
  ['bench:run-sets -- --rows 40 --container real', runsStager],
  ['bench:reupload -- --size 64M --layers 2', isUp],
  ['bench:overhead', runsTask],
  ['bench:engine', measuresEngine],
  ['bench:inputs -- 100', isUp],
  [`bench:local -- --keep ${BUNDLE} --output 100M`, isUp],
  ['bench:edge', runsProgram(/\bedge\/main\.ts/u)],
  ['bench:edge-stalled', runsProgram(/\bedge\/main\.ts/u)],
]
const STARTS: readonly Case[] = [
  ['bench:api', startsContainer],
  ['bench:outputs -- 100', deploys],
  ['start', startsContainer],
]
/** Less than a start that is not aborted. On an otherwise idle machine, an aborted one ends within half a second. */
const MAX_SECONDS = 5

const NOTHING: RemainingResources = { processes: [], containers: [], folders: [] }

const port = await findFreePort()
afterAll(() => rm(join(PROJECT, '.local', `port-${port}`), { recursive: true, force: true }))

describe.concurrent('Ctrl-C leaves no process, container or folder of', () => {
  it.for(PROGRAMS)('npm run %s', async ([words, isTime], { expect, signal }) => {
    expect((await interrupt(words.split(' '), isTime, { signal })).remaining).toEqual(NOTHING)
  })

  it.runIf(existsSync(join(TOOLS, 'make-bundle.mjs')))('npm run bench:import', async ({ expect, signal }) => {
    const words = ['bench:import', '--', '--tools', TOOLS, '--sizes', '100M', '--alone', '', '--port', '0']
    const { remaining } = await interrupt(words, runsProgram(/\bdocker-registry serve\b/u), { signal })
    expect(remaining).toEqual(NOTHING)
  })

  it.for(STARTS)(
    'npm run %s while its stack starts, within seconds',
    async ([words, isTime], { expect, signal }) => {
      const { remaining, seconds } = await interrupt(words.split(' '), isTime, {
        signal,
        variables: { PORT: String(await findFreePort()) },
      })
      expect(remaining).toEqual(NOTHING)
      expect(seconds).toBeLessThan(MAX_SECONDS)
    },
  )

  it('npm start, except the state for the next start', async ({ expect, signal }) => {
    const { remaining } = await interrupt(['start'], isUp, { signal, variables: { PORT: String(port) } })
    expect(remaining).toEqual({ ...NOTHING, folders: [`.local/port-${port}`] })
  })
})
