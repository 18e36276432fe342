import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { BatchClient, ListJobsCommand } from '@aws-sdk/client-batch'
import {
  BatchDeleteImageCommand,
  DescribeRepositoriesCommand,
  ECRClient,
  ListImagesCommand,
} from '@aws-sdk/client-ecr'
import { DeleteObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { openZip } from '../../src/archive/zip/read-zip.ts'
import type { RunState } from '../../src/run/transitions.ts'
import { bufferSource } from '../../src/shared/byte-source.ts'
import { readAll } from '../../src/shared/read-all.ts'
import { dockerArchive, type FileEntry, packTar } from '../fixtures/bundle-builder.ts'
import { call, callOk, installTask, outputsOf, startRun, waitForState } from './engine-client.ts'
import { installVariant, setFaults, sweepNow, switchJobEvents } from './stack-controls.ts'

const PROBE = 'test/fixtures/probe-task/probe-task.zip'
const local = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }
const batch = new BatchClient({ ...local, endpoint: inject('batchUrl') })

let probe: string

beforeAll(async () => {
  probe = await installTask(PROBE, 'org.example.probe-task')
})

afterEach(async () => {
  await setFaults({})
  await switchJobEvents(true)
})

/** Returns the states of the jobs of a run. */
async function jobStatesOf(run: string): Promise<(string | undefined)[]> {
  const filters = [{ name: 'JOB_NAME', values: [`run-${run.slice('task-runs/'.length)}-*`] }]
  const { jobSummaryList = [] } = await batch.send(
    new ListJobsCommand({ jobQueue: 'app-engine-local', filters }),
  )
  return jobSummaryList.map(({ status }) => status)
}

const act = (run: string, desired: string) => call('POST', `${run}/state-actions`, { desired })

/** Files of the archive of rejected outputs, in its order, by name. */
async function rejectedOf(run: string): Promise<Record<string, string>> {
  const archive = await (await callOk('GET', `${run}/rejected-outputs.zip`)).arrayBuffer()
  const zip = await openZip(bufferSource(Buffer.from(archive)))
  const files: [string, string][] = []
  for (const entry of zip.entries) files.push([entry.name, String(await readAll(zip.read(entry)))])
  return Object.fromEntries(files)
}

describe('a run whose task fails', () => {
  const wrote = ['geometries/0', 'geometries/1', 'geometries/array.yml']

  it('keeps the files that the task wrote as rejected outputs', async () => {
    const run = await startRun(probe, { write_geometries: 2, exit_code: 1 })
    const { state, error } = await waitForState(run, 'final')

    const { 'rejected.json': facts, ...files } = await rejectedOf(run)
    expect([state, error]).toMatchObject([
      'FAILED',
      {
        kind: 'task-failed',
        message: expect.stringMatching(/^the task ended with exit code 1/u),
        exitCode: 1,
      },
    ])
    expect(Object.keys(files).sort()).toEqual([...wrote, 'result'])
    expect([files.result, files['geometries/1']]).toEqual(['done', expect.stringContaining('"Polygon"')])
    expect(JSON.parse(facts ?? '')).toMatchObject({ error, outputFolder: { taskExitCode: 1 }, leftOut: [] })
    expect((await call('GET', `${run}/outputs`)).status).toBe(403)
    await expect.poll(() => jobStatesOf(run)).toEqual(['FAILED'])
  })

  it('keeps the files that the task wrote before it ran out of memory', async () => {
    const run = await startRun(probe, { write_geometries: 2, allocate_mib: 5000 })
    const { state, error } = await waitForState(run, 'final')

    const { 'rejected.json': facts, ...files } = await rejectedOf(run)
    expect([state, error]).toMatchObject(['FAILED', { kind: 'out-of-memory', exitCode: 137 }])
    expect(Object.keys(files).sort()).toEqual(wrote)
    expect(JSON.parse(facts ?? '')).toMatchObject({ outputFolder: { taskExitCode: 137 } })
  })

  it('has no rejected outputs if the task wrote nothing', async () => {
    const run = await startRun(probe, { skip_output: true, exit_code: 3 })
    const { error } = await waitForState(run, 'final')

    const { 'rejected.json': facts, ...files } = await rejectedOf(run)
    expect(files).toEqual({})
    expect(JSON.parse(facts ?? '')).toMatchObject({ error, outputFolder: { entries: [], taskExitCode: 3 } })
  })

  it.each(['unavailable', 'without-exit-code'])(
    'is reported by Batch, and keeps the same files, if the metadata endpoint is %s',
    async (metadata) => {
      await setFaults({ metadata })

      const run = await startRun(probe, { write_geometries: 2, exit_code: 1 })
      const { state, error } = await waitForState(run, 'final')

      const { 'rejected.json': facts, ...files } = await rejectedOf(run)
      expect([state, error]).toMatchObject(['FAILED', { kind: 'task-failed', exitCode: 1 }])
      expect(Object.keys(files).sort()).toEqual([...wrote, 'result'])
      expect(JSON.parse(facts ?? '').outputFolder).not.toHaveProperty('taskExitCode')
      // stage-out could not know that the task had failed.
      await expect.poll(() => jobStatesOf(run)).toEqual(['SUCCEEDED'])
    },
  )
})

describe('a run whose task succeeds', () => {
  it('is FINISHED without the metadata endpoint', async () => {
    await setFaults({ metadata: 'unavailable' })

    const run = await startRun(probe, { print: 'x' })

    expect((await waitForState(run, 'final')).state).toBe('FINISHED')
    expect((await outputsOf(run)).result).toBe('done')
  })
})

describe('a run that fails', () => {
  it('reports that its attempt exceeded the time limit', async () => {
    await setFaults({ attemptSeconds: 1 })

    const run = await startRun(probe, { sleep_seconds: 60 })
    const { state, error } = await waitForState(run, 'final')

    expect({ state, error }).toMatchObject({ state: 'FAILED', error: { kind: 'time-out' } })
  })

  it('reports which output is invalid', async () => {
    const task = await installVariant(PROBE, 'org.example.invalid-output', {
      descriptor: (text) => text.replace(/(description: The word done\.\n\s+type: )string/u, '$1integer'),
    })

    const run = await startRun(task, { print: 'x' })
    const { state, error } = await waitForState(run, 'final')

    expect([state, error?.kind]).toEqual(['FAILED', 'output-invalid'])
    const rejected = await rejectedOf(run)
    expect(Object.keys(rejected)).toEqual(['rejected.json', 'result'])
    expect(rejected.result).toBe('done')
    expect(error?.message).toContain('output "result"')
  })

  it('reports that its image was removed', async () => {
    // A unique layer, because the engine does not pull layers that it has.
    const layers = [await packTar([{ name: 'unique', body: randomUUID() }])]
    const image = await packTar(await dockerArchive({ layers }))
    const task = await installVariant(PROBE, 'org.example.gone-image', { image })
    const ecr = new ECRClient({ ...local, endpoint: inject('ecrUrl') })
    const { repositories = [] } = await ecr.send(new DescribeRepositoriesCommand({}))
    const repository = repositories.find((one) => one.repositoryName?.includes('gone-image'))
    const repositoryName = repository?.repositoryName ?? 'none'
    const { imageIds } = await ecr.send(new ListImagesCommand({ repositoryName }))
    await ecr.send(new BatchDeleteImageCommand({ repositoryName, imageIds }))

    const { state, error } = await waitForState(await startRun(task, { print: 'x' }), 'final')

    expect([state, error?.kind]).toEqual(['FAILED', 'image-unavailable'])
  })
})

describe('a run that cannot start', () => {
  it('reports that an input was removed', async () => {
    const { id } = (await (await callOk('POST', `${probe}/runs`)).json()) as { readonly id: string }
    const run = `task-runs/${id}`
    // Long enough to be stored in the bucket instead of the table.
    const value = 'x'.repeat(5000)
    await callOk('PUT', `${run}/input-provisions/print`, { parameterName: 'print', value })
    const s3 = new S3Client({ ...local, endpoint: inject('storageUrl'), forcePathStyle: true })
    const Bucket = inject('bucketName')
    const inputs = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: `task-run-inputs-${id}/` }))
    for (const { Key } of inputs.Contents ?? []) await s3.send(new DeleteObjectCommand({ Bucket, Key }))

    await callOk('POST', `${run}/state-actions`, { desired: 'RUNNING' })
    const { state, error } = await waitForState(run, 'final')

    expect([inputs.KeyCount, state, error?.kind]).toEqual([1, 'FAILED', 'input-staging-failed'])
    // Without stage-out there are no rejected outputs.
    expect((await call('GET', `${run}/rejected-outputs.zip`)).status).toBe(403)
  })

  it('reports that it exceeds the largest machine', async () => {
    const task = await installVariant(PROBE, 'org.example.too-large', {
      descriptor: (text) => text.replace('ram: 64Mi', 'ram: 64Ti'),
    })

    const { state, error } = await waitForState(await startRun(task, { print: 'x' }), 'final')

    expect([state, error?.kind]).toEqual(['FAILED', 'unschedulable'])
  })
})

describe('a run whose container cannot be started', () => {
  /** Runs a task whose image has one file. @returns the final state of the run */
  async function endOf(name: string, file: Omit<FileEntry, 'name'>, command: object) {
    const layers = [
      await packTar([
        { name: 'run.sh', ...file },
        { name: 'unique', body: randomUUID() },
      ]),
    ]
    const image = await packTar(await dockerArchive({ layers, command }))
    const task = await installVariant(PROBE, `org.example.${name}`, { image })
    const run = await startRun(task, { print: 'x' })
    return { run, ...(await waitForState(run, 'final')) }
  }
  const entrypoint = { Entrypoint: ['/run.sh'] }
  const script = { body: '#!/run\necho hello\n', mode: 0o755 }

  it.each([
    ['missing-command', script, { Entrypoint: ['/rum.sh'] }, '"/rum.sh" is not in the image'],
    ['no-shell', script, { Entrypoint: ['/bin/bash', '-c', 'true'] }, '"/bin/bash" is not in the image'],
    ['not-executable', { ...script, mode: 0o644 }, entrypoint, '"/run.sh" cannot be executed'],
    ['unknown-user', script, { ...entrypoint, User: 'nobodyhere' }, 'its user "nobodyhere" does not exist'],
    ['no-folder', script, { ...entrypoint, WorkingDir: '/run.sh' }, 'its working directory "/run.sh"'],
    ['windows-script', { ...script, body: '#!/bin/sh\r\n' }, entrypoint, 'the interpreter'],
    ['wrong-format', { ...script, body: 'MZ' }, entrypoint, '"/run.sh" is neither a program for linux/amd64'],
  ])('reports the problem of its image: %s', async (name, file, command, words) => {
    const { state, error, run } = await endOf(name, file, command)

    expect([state, error?.kind]).toEqual(['FAILED', 'task-failed'])
    expect(error?.message).toContain(words)
    expect(error?.message).not.toMatch(/runc|crun|OCI|Error/u)
    expect(await (await callOk('GET', `${run}/logs`)).text()).toContain(words)
    expect(await jobStatesOf(run)).toEqual(['FAILED'])
  })
})

describe('a run whose outputs have unusual file names', () => {
  it.each([
    ['has a backslash', Buffer.from('back\\slash'), 'has a backslash'],
    ['is not UTF-8', Buffer.from([0xff, 0x41]), 'is not UTF-8'],
  ])('fails and names the file, if its name %s', async (_, name, words) => {
    const run = await startRun(probe, { write_geometries: 1, write_name: name.toString('hex') })

    const { state, error } = await waitForState(run, 'final')

    expect([state, error?.kind]).toEqual(['FAILED', 'output-invalid'])
    expect(error?.message).toContain('output "geometries": the name of the file "geometries/')
    expect(error?.message).toContain(words)
  })

  it('is FINISHED if a name has terminal control sequences', async () => {
    const name = Buffer.from('\u001b[2J\n..x').toString('hex')

    const run = await startRun(probe, { write_geometries: 1, write_name: name })

    expect((await waitForState(run, 'final')).state).toBe('FINISHED')
  })
})

describe('a run that is cancelled', () => {
  it('is FAILED at once, its container is stopped, and it stays cancelled', async () => {
    const run = await startRun(probe, { sleep_seconds: 60 })
    await waitForState(run, ['RUNNING'])

    const answer = await act(run, 'cancelled')
    const { resource } = (await answer.json()) as { readonly resource: { readonly state: RunState } }

    expect([answer.status, resource.state]).toEqual([200, 'FAILED'])
    await expect.poll(() => jobStatesOf(run), { timeout: 20_000 }).toEqual(['FAILED'])
    const { error } = await waitForState(run, 'final')
    expect(error).toEqual({ kind: 'cancelled', message: 'the run was cancelled' })
    expect((await act(run, 'CANCELLED')).status).toBe(200)
  })

  it('cannot be started afterwards', async () => {
    const { id } = (await (await callOk('POST', `${probe}/runs`)).json()) as { readonly id: string }
    const run = `task-runs/${id}`

    expect((await act(run, 'CANCELLED')).status).toBe(200)

    expect((await act(run, 'RUNNING')).status).toBe(403)
    expect(await jobStatesOf(run)).toEqual([])
  })

  it('stays FINISHED if it has finished, and the cancellation is refused', async () => {
    const run = await startRun(probe, { print: 'x' })
    await waitForState(run, ['FINISHED'])

    expect((await act(run, 'CANCELLED')).status).toBe(403)
  })
})

describe('runs whose Batch job events are unreliable', () => {
  /** Sweeps until the run has ended. */
  async function sweepUntilFinal(run: string) {
    for (;;) {
      await sweepNow()
      const view = (await (await callOk('GET', run)).json()) as { readonly state: RunState }
      if (view.state === 'FINISHED' || view.state === 'FAILED') return view
      await pause(200)
    }
  }

  it('reach their final states by sweeps alone, without any event', async () => {
    await switchJobEvents(false)
    const [good, bad] = [await startRun(probe, { print: 'x' }), await startRun(probe, { exit_code: 3 })]

    const ends = [await sweepUntilFinal(good), await sweepUntilFinal(bad)]

    expect(ends).toMatchObject([
      { state: 'FINISHED' },
      { state: 'FAILED', error: { kind: 'task-failed', exitCode: 3 } },
    ])
    expect((await outputsOf(good)).result).toBe('done')
  })

  it('reach their final states although events are lost, repeated, late and out of order', async () => {
    await setFaults({ events: { drop: 0.3, double: 0.5, delayMs: 1500 } })

    const runs = await Promise.all([1, 2, 3].map((number) => startRun(probe, { print: `run ${number}` })))
    const ends = await Promise.all(runs.map(sweepUntilFinal))

    expect(ends.map(({ state }) => state)).toEqual(['FINISHED', 'FINISHED', 'FINISHED'])
  })
})
