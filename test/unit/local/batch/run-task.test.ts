import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { createRunTask } from '../../../../local/batch/run-task.ts'
import { createTaskMetadata } from '../../../../local/batch/task-metadata.ts'
import { aContainer, aJob } from './builders.ts'

const parent = mkdtempSync(join(tmpdir(), 'run-task-'))
const root = join(parent, 'job')
afterAll(() => rmSync(parent, { recursive: true }))

async function imagesOf(image: string, registryHosts: Readonly<Record<string, string>>) {
  const ensure = vi.fn(async (_: string) => undefined)
  const run = vi.fn(async ({ task }: { task: { container: { image: string } } }) => ({
    exitCode: task.container.image === '' ? 1 : 0,
  }))
  const runTask = createRunTask({
    engine: {
      kind: 'podman',
      images: { ensure, load: vi.fn(), removePulled: vi.fn() },
      run,
      listContainers: vi.fn(),
      removeStaleContainers: vi.fn(),
    },
    logs: new CloudWatchLogsClient({ region: 'us-east-1' }),
    metadata: createTaskMetadata({ baseUrl: 'http://127.0.0.1', uuid: randomUUID }),
    processImages: {},
    registryHosts,
    instance: 'test',
    log: vi.fn(),
  })
  const containers = [aContainer({ name: 'task', image, essential: true })]
  const { signal } = new AbortController()
  await runTask({ job: aJob({ containers, volumes: [] }), attempt: 1, root, signal, onStarted: vi.fn() })
  return [ensure.mock.calls[0]?.[0], run.mock.calls[0]?.[0].task.container.image]
}

describe('the folder of a job', () => {
  it('is not accessible to other users of the machine', async () => {
    await imagesOf('busybox', {})

    expect(statSync(root).mode & 0o777).toBe(0o700)
  })
})

describe('the image of a task', () => {
  const hosts = { 'host.docker.internal:4566': '127.0.0.1:4566' }

  it('is pulled and run from the registry’s address on this machine', async () => {
    const here = '127.0.0.1:4566/app-engine/task@sha256:0'

    expect(await imagesOf('host.docker.internal:4566/app-engine/task@sha256:0', hosts)).toEqual([here, here])
  })

  it.each(['host.docker.internal:4567/task@sha256:0', 'constructor/task', 'busybox'])(
    'is not changed if it is in another registry: %s',
    async (image) => {
      expect(await imagesOf(image, hosts)).toEqual([image, image])
    },
  )
})
