import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PROJECT } from '../../local/aws-environment.ts'
import { findPython, installPackages } from '../../local/python-packages.ts'
import { callOk, waitForState } from '../integration/engine-client.ts'
import { launchBrowser, openPage } from './browser.ts'
import { ARRAYS } from './every-type-task.ts'
import { tissuePng } from './pictures.ts'
import { createRun, installEveryType } from './tasks.ts'

const REQUESTS = '2.34.2'

let browser: Browser
let run: string
let python: string

/** A text that shells, Python and JavaScript would change if it were not quoted. */
const TEXT = `O'Brien said "$HOME \`id\` \${x} \\n"; µ # 50 %\nsecond line`
/** More characters than a program contains, so that it downloads the geometry from the run. */
const OUTLINE = {
  type: 'LineString',
  coordinates: Array.from({ length: 300 }, (_, at) => [at, at % 7]),
}

/** A text that lists truncate. */
const LONG = `${'Zellkern µ '.repeat(100_000)}"end"`
const INPUTS = `${ARRAYS}
  essay: {display_name: Essay, description: A long text., type: string, optional: true}
  labels: {display_name: Labels, description: Texts., type: {id: array, subtype: string}, optional: true}
  sparse: {display_name: Sparse, description: With gaps., type: {id: array, subtype: integer, allow_missing: true}, optional: true}
  stacks: {display_name: Stacks, description: Nested., type: {id: array, subtype: {id: array, subtype: file}}, optional: true}
`

beforeAll(async () => {
  browser = await launchBrowser()
  const files = { picture: tissuePng(96, 72), document: randomBytes(5000) }
  const inputs = { nuclei: 2, number: 0.25, yes: true, text: TEXT, choice: 'H&E', grid: [[1, 2], [3]] }
  const others = { numbers: [0.5, 1.5], outline: JSON.stringify(OUTLINE), time: '2026-11-29T18:00:00Z' }
  const sparse = [
    { index: 1, value: 5 },
    { index: 4, value: 6 },
  ]
  const long = {
    essay: TEXT.repeat(99),
    labels: [TEXT, LONG],
    outlines: Array(9).fill(JSON.stringify(OUTLINE)),
  }
  const task = await installEveryType({ namespace: 'org.example.programs', name: 'Programs', inputs: INPUTS })
  run = await createRun(task, { ...inputs, ...others, ...long, sparse }, files)
  for (const at of ['0/0', '0/1', '2/0']) {
    const form = new FormData()
    form.append('file', new Blob([`file ${at}`]), 'file')
    await callOk('POST', `task-runs/${run}/input-provisions/stacks/indexes?value=${at}`, form)
  }
  await callOk('PUT', `task-runs/${run}/input-provisions/stacks/indexes?value=1`, { value: [] })
  for (const at of [0, 1]) {
    const form = new FormData()
    form.append('file', new Blob([new Uint8Array(tissuePng(20 + at, 10))]), `${at}.png`)
    await callOk('POST', `task-runs/${run}/input-provisions/pictures/indexes?value=${at}`, form)
  }
  await callOk('POST', `task-runs/${run}/state-actions`, { desired: 'RUNNING' })
  await waitForState(`task-runs/${run}`, 'final')
  python = await installPackages({
    python: await findPython('The Python snippet'),
    directory: join(PROJECT, '.local/venv'),
    name: `requests-${REQUESTS}`,
    packages: [`requests==${REQUESTS}`],
    title: 'The package of the Python snippet',
  })
})
afterAll(() => browser.close())

const LANGUAGES = [
  ['curl', 'curl', 'program.sh', () => 'sh'],
  ['Python', 'python', 'program.py', () => python],
  ['TypeScript', 'typescript', 'program.ts', () => 'node'],
] as const

/** Files among the inputs, by their paths below the run. */
const FILES = [
  'picture',
  'document',
  'outline',
  'pictures/indexes?value=0',
  'pictures/indexes?value=1',
  'stacks/indexes?value=0/1',
  'stacks/indexes?value=2/0',
  'labels/indexes?value=1',
  'essay',
] as const

/** All inputs of a run: the list, and the contents of files. Ids of the run are replaced. */
async function inputsOf(id: string): Promise<readonly [unknown, ...string[]]> {
  const list = await (await callOk('GET', `task-runs/${id}/inputs`)).text()
  const contents = FILES.map(async (path) =>
    Buffer.from(await (await callOk('GET', `task-runs/${id}/input/${path}`)).arrayBuffer()).toString(
      'base64',
    ),
  )
  return [JSON.parse(list.replaceAll(id, 'run')), ...(await Promise.all(contents))]
}

describe('a run as a program', () => {
  it.each(LANGUAGES)('repeats the run with the same inputs: %s', async (title, name, file, interpreter) => {
    const { page, go, close } = await openPage(browser)
    await go(`runs/${run}`)
    await page.getByRole('button', { name: 'This run as a program' }).click()
    await page.getByRole('button', { name: title, exact: true }).click()
    const program = page.getByLabel(`Program in ${name}`, { exact: true })
    await program.waitFor()
    const folder = await mkdtemp(join(tmpdir(), 'snippets-'))
    await writeFile(join(folder, file), (await program.textContent()) ?? '')

    const { stdout } = await promisify(execFile)(interpreter(), [file], { cwd: folder })

    expect(stdout).toMatch(/^FINISHED/u)
    const [, again = ''] = /taskRunId\W+([0-9a-f-]{36})/u.exec(stdout) ?? []
    expect(again).not.toBe(run)
    expect(await inputsOf(again)).toEqual(await inputsOf(run))
    await rm(folder, { recursive: true })
    await close()
  })
})
