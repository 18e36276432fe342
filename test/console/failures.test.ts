import {
  BatchDeleteImageCommand,
  DescribeRepositoriesCommand,
  ECRClient,
  ListImagesCommand,
} from '@aws-sdk/client-ecr'
import { DeleteObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { RUN_FAILURE_KINDS, type RunFailureKind } from '../../src/contract/run-failure-kinds.ts'
import { CONTAINERS } from '../../src/run/job/job-definition.ts'
import { callOk, installTask, startRun, waitForState } from '../integration/engine-client.ts'
import { setFaults } from '../integration/stack-controls.ts'
import { launchBrowser, openPage, type WatchedPage } from './browser.ts'
import { failByEvent } from './job-events.ts'
import { createRun, installEveryType, installShell, runWith } from './tasks.ts'

const LOCAL = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }

let browser: Browser
let watched: WatchedPage
/** A failed run of each kind. */
let failed: ReadonlyMap<RunFailureKind, string>

beforeAll(async () => {
  browser = await launchBrowser()
  watched = await openPage(browser)
  const shell = await installShell()
  const runs = Object.entries(CAUSES).map(
    async ([kind, cause]) => [kind as RunFailureKind, await cause(shell)] as const,
  )
  const ended = await Promise.all(runs)
  // Limits every attempt of a job, so the run of `time-out` is started after the others have ended.
  await setFaults({ attemptSeconds: 1 })
  failed = new Map([...ended, ['time-out', await runWith(shell, { text: 'sleep 60' })]])
})
afterAll(async () => {
  await setFaults({})
  await watched.close()
  await browser.close()
})

/** Starts a run of the shell task, and fails it by a Batch job event. */
const byEvent = (change: object) => async (shell: string) => {
  const id = await runWith(shell, { text: 'sleep 60' }, { isLeft: true })
  await waitForState(`task-runs/${id}`, ['RUNNING'])
  await failByEvent(id, change)
  return id
}
const byCommand = (text: string) => (shell: string) => runWith(shell, { text })

/** Causes of failed runs. Three of them exist on AWS only: for these the test sends a Batch job event. */
const CAUSES: Readonly<Record<Exclude<RunFailureKind, 'time-out'>, (shell: string) => Promise<string>>> = {
  'task-failed': byCommand('echo "no model" >&2; exit 3'),
  'out-of-memory': async () => {
    const probe = await installTask('test/fixtures/probe-task/probe-task.zip', 'org.example.probe-task')
    const run = await startRun(probe, { allocate_mib: 5000 })
    return (await waitForState(run, 'final')).id
  },
  'output-missing': byCommand('/bin/busybox rm /outputs/extra'),
  'output-invalid': byCommand('echo words > /outputs/extra'),
  unschedulable: async () =>
    runWith(await installEveryType({ namespace: 'org.example.large', resources: ', gpus: 1' }), {}),
  'image-unavailable': async () => {
    const task = await installEveryType({ namespace: 'org.example.gone-image', before: '# gone' })
    await removeImages('gone-image')
    return runWith(task, {})
  },
  'input-staging-failed': async (shell) => {
    const id = await createRun(shell, {}, { document: Buffer.from('a model') })
    await removeInputs(id)
    await callOk('POST', `task-runs/${id}/state-actions`, { desired: 'RUNNING' })
    await waitForState(`task-runs/${id}`, 'final')
    return id
  },
  cancelled: async (shell) => {
    const id = await runWith(shell, { text: 'sleep 60' }, { isLeft: true })
    await callOk('POST', `task-runs/${id}/state-actions`, { desired: 'CANCELLED' })
    return id
  },
  'host-lost': byEvent({ statusReason: 'Host EC2 (instance i-0123456789abcdef0) terminated.' }),
  'output-staging-failed': byEvent({
    attempts: [
      {
        taskProperties: [
          {
            containers: Object.values(CONTAINERS).map((name) => ({
              name,
              exitCode: name === CONTAINERS.stageOut ? 1 : 0,
            })),
          },
        ],
      },
    ],
  }),
  'engine-error': byEvent({}),
}

async function removeImages(namespace: string): Promise<void> {
  const ecr = new ECRClient({ ...LOCAL, endpoint: inject('ecrUrl') })
  const { repositories = [] } = await ecr.send(new DescribeRepositoriesCommand({}))
  const { repositoryName } =
    repositories.find((repository) => repository.repositoryName?.includes(namespace)) ?? {}
  const { imageIds } = await ecr.send(new ListImagesCommand({ repositoryName }))
  await ecr.send(new BatchDeleteImageCommand({ repositoryName, imageIds }))
}

async function removeInputs(id: string): Promise<void> {
  const s3 = new S3Client({ ...LOCAL, endpoint: inject('storageUrl'), forcePathStyle: true })
  const Bucket = inject('bucketName')
  const inputs = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: `task-run-inputs-${id}/` }))
  for (const { Key } of inputs.Contents ?? []) await s3.send(new DeleteObjectCommand({ Bucket, Key }))
}

/** A link of the card; `leads` waits for its target. */
interface Way {
  readonly name: string
  readonly leads: (page: Page) => Promise<void>
}

const LOG: Way = {
  name: 'Read the log',
  leads: async (page) => {
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('log')
  },
}
const PLACEMENT: Way = {
  name: 'Where the task would run',
  leads: (page) => page.getByRole('heading', { name: 'Where it runs' }).waitFor(),
}
const OUTPUTS: Way = {
  name: 'Outputs that the task declares',
  leads: (page) => page.getByRole('table', { name: 'Outputs' }).waitFor(),
}
const UPLOAD: Way = {
  name: 'Upload the task',
  leads: (page) => page.getByRole('group', { name: 'Upload a task' }).waitFor(),
}

/** Beginning of the advice, and links, by kind of failure. */
const CURES: Readonly<Record<RunFailureKind, readonly [cure: string, ...ways: Way[]]>> = {
  'task-failed': ['Read the end of the log', LOG],
  'out-of-memory': ['Raise configuration.resources.ram', LOG, PLACEMENT],
  'time-out': ['Use smaller inputs or a faster task', LOG],
  'image-unavailable': ['Upload the task again as a new version', UPLOAD],
  unschedulable: ['Request less in configuration.resources', PLACEMENT],
  'host-lost': ['This is not the fault of the task', LOG],
  'input-staging-failed': ['This is not the fault of the task', LOG],
  'output-staging-failed': ['This is not the fault of the task', LOG],
  'output-missing': ['Write every output that the descriptor declares', LOG, OUTPUTS],
  'output-invalid': ['Fix what the reason names', LOG, OUTPUTS],
  cancelled: ['Run it again if that was a mistake', LOG],
  'engine-error': ['This is not the fault of the task', LOG],
}

describe('the page of a failed run', () => {
  it.each(RUN_FAILURE_KINDS)('shows the kind %s, what to do, and links that help', async (kind) => {
    const { page, go } = watched
    const [cure, ...ways] = CURES[kind]
    const card = page.getByRole('region', { name: kind })
    const { error } = await waitForState(`task-runs/${failed.get(kind)}`, 'final')
    expect(error?.kind).toBe(kind)

    for (const { name, leads } of ways) {
      await go(`runs/${failed.get(kind)}`)
      await card.getByRole(name === LOG.name ? 'button' : 'link', { name }).click()
      await leads(page)
    }
    await go(`runs/${failed.get(kind)}`)
    await card.getByText(`What to do: ${cure}`).waitFor()
  })

  it.each(['output-invalid', 'task-failed', 'out-of-memory'] as const)(
    'offers what the task had written, for the kind %s',
    async (kind) => {
      const { page, go } = watched
      await go(`runs/${failed.get(kind)}`)

      const download = page.waitForEvent('download')
      await page.getByRole('link', { name: 'What the task had written' }).click()

      expect((await download).suggestedFilename()).toMatch(/\.zip$/u)
    },
  )
})

describe('the list of runs', () => {
  it('shows the kind of each failure', async () => {
    const { page, go } = watched
    await go('runs?state=FAILED')

    for (const [kind, id] of failed) {
      const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: id.slice(0, 8) }) })
      await row.getByText(kind, { exact: true }).waitFor()
    }
  })
})
