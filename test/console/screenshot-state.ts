import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '../fixtures/cli-program.ts'
import { everyTypeBundle, NAMESPACE, VERSION } from './every-type-task.ts'
import { tissuePng } from './pictures.ts'

/** The grid of 1200 nuclei has 40 columns of 12 pixels. */
const PICTURE = { width: 480, height: 360, nuclei: 1200 } as const
/** The task fails for the label of this slide. */
const EMPTY_SLIDE = 'Slide 8'
const FAILURE = `if [ "$(cat /inputs/text)" = "${EMPTY_SLIDE}" ]; then echo "no tissue in ${EMPTY_SLIDE}" >&2; exit 3; fi`
const TABLE = Array.from(
  { length: 40 },
  (_, row) => `${row % 10 === 7 ? EMPTY_SLIDE : `Slide ${row + 100}`},7,${row * 20}`,
)

/** Runs that the screenshots show, by their ids. */
export interface ScreenshotState {
  readonly set: string
  readonly failed: string
  readonly finished: string
  readonly other: string
  readonly reused: string
}

/** Installs the task that has every type, and executes a run set and single runs of it. */
export async function prepareState(base: string): Promise<ScreenshotState> {
  const folder = await mkdtemp(join(tmpdir(), 'screenshots-'))
  const name = `${NAMESPACE}/${VERSION}`
  async function execute(text: string, number: string, expected = 0): Promise<string> {
    const inputs = [`text=${text}`, `number=${number}`, 'whole=7', 'choice=IHC', `nuclei=${PICTURE.nuclei}`]
    const words = [...inputs, `picture=@${join(folder, 'picture.png')}`, 'numbers=[0.25, 0.5, 1]', 'yes=true']
    const options = words.flatMap((word) => ['-i', word])
    const output = join(folder, `outputs-${number}-${expected}`)
    const ended = await runCommand(['run', name, '--remote', base, ...options, '-o', output])
    const [, run] = /^run (\S+)$/mu.exec(ended.stderr) ?? []
    if (ended.code !== expected || run === undefined) throw new Error(ended.stderr)
    return run
  }

  try {
    await writeFile(join(folder, 'picture.png'), tissuePng(PICTURE.width, PICTURE.height))
    await writeFile(join(folder, 'bundle.zip'), await everyTypeBundle({ before: FAILURE }))
    await writeFile(join(folder, 'table.csv'), ['text,whole,nuclei', ...TABLE].join('\n'))
    const upload = ['upload', join(folder, 'bundle.zip'), '--replace', '--yes', '--url', base]
    const { code, stderr } = await runCommand(upload)
    if (code !== 0) throw new Error(stderr)
    const create = ['run-set', 'create', name, join(folder, 'table.csv'), '--name', 'Cohort A']
    const created = await runCommand([...create, '--max-concurrency', '4', '--wait', '--url', base, '--json'])
    const { id: set } = JSON.parse(created.stdout) as { readonly id: string }
    const failed = await execute(EMPTY_SLIDE, '0.5', 1)
    const other = await execute('Slide 12', '0.4')
    const finished = await execute('Slide 12', '0.5')
    return { set, failed, other, finished, reused: await reuse(base, finished) }
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Repeats a run with the outputs of its equal. @returns the id of the new run */
async function reuse(base: string, runId: string): Promise<string> {
  const repeated = await fetch(new URL(`task-runs/${runId}/rerun?start=false`, base), { method: 'POST' })
  const { id } = (await repeated.json()) as { readonly id: string }
  const started = await fetch(new URL(`task-runs/${id}/state-actions`, base), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ desired: 'RUNNING', reuse: true }),
  })
  if (!started.ok) throw new Error(`reuse of run ${runId}: ${started.status} ${await started.text()}`)
  return id
}
