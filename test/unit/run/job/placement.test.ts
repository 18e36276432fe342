import { describe, expect, it } from 'vitest'
import type { JobQueues } from '../../../../src/contract/job-queues.ts'
import { placementFor, placementOf } from '../../../../src/run/job/placement.ts'
import type { Task } from '../../../../src/task/task.ts'
import { aTask } from '../../../fixtures/builders.ts'
import { createCheckedApp } from '../../../fixtures/checked-app.ts'
import { anEngine } from '../../../fixtures/engine.ts'

const GIB = 1024 ** 3
const FARGATE: JobQueues = { fargate: { arn: 'fargate' } }
const GPU = { arn: 'gpu', vcpus: 4, memoryMib: 15_360, diskGib: 100, gpus: 1 }
const onGpu = aTask({
  queue: 'gpu',
  resources: { ramBytes: String(4 * GIB), cpus: 2, gpus: 1, internet: false },
})

describe('the placement of a task', () => {
  it('is the machine that its job is billed for, with its price per hour', () => {
    const task = aTask({
      resources: { ramBytes: String(2 * GIB), cpus: 1, gpus: 0, internet: false },
      imageSize: { unpackedBytes: 10 * GIB, packedBytes: 4 * GIB },
    })

    expect(placementOf(task, FARGATE)).toEqual({
      queue: 'fargate',
      machine: { vcpus: 2, memoryGib: 4, diskGib: 30, gpus: 0 },
      // 2 x 0.04048 + 4 x 0.004445 + (30 - 20) x 0.000111
      pricePerHour: 0.09985,
    })
  })

  it('has the smallest disk for a task without a stored image size, which an earlier version imported', () => {
    expect(placementOf(aTask(), FARGATE)).toMatchObject({ machine: { diskGib: 21 } })
  })

  it('is on the queue that was chosen at the import, whatever queues there are now', () => {
    const queues: JobQueues = { ...FARGATE, ec2: { arn: 'ec2', vcpus: 64, memoryMib: 262_144, diskGib: 500 } }

    expect(placementOf(aTask({ queue: 'ec2' }), queues)).toMatchObject({ queue: 'ec2' })
    expect(placementOf(onGpu, { ...FARGATE, gpu: GPU })).toMatchObject({ machine: { gpus: 1, vcpus: 4 } })
  })

  it.each<[string, Task, JobQueues, RegExp]>([
    [
      'was imported without a queue',
      aTask({ queue: null, jobDefinitionArn: null, unschedulableReason: 'the task asks for 1 GPU(s)' }),
      { ...FARGATE, gpu: GPU },
      /^the task asks for 1 GPU\(s\)$/u,
    ],
    ['has lost its queue', onGpu, FARGATE, /^this installation no longer has the queue gpu/u],
    [
      'is larger than the machines of its queue',
      onGpu,
      { ...FARGATE, gpu: { ...GPU, vcpus: 3 } },
      /^the gpu queue no longer has a machine/u,
    ],
  ])('is a reason when the task %s', (_, task, queues, reason) => {
    expect(placementOf(task, queues)).toEqual({ reasons: [expect.stringMatching(reason)] })
  })
})

describe('the route of a placement', () => {
  const path = (task: Task): string => `/app-engine/v1/tasks/${task.namespace}/${task.version}/placement`

  it('returns queue, machine and price, by name and by id', async () => {
    const engine = await anEngine({ task: aTask({ imageSize: { unpackedBytes: 9, packedBytes: 5 } }) })
    const app = createCheckedApp(engine)

    const byName = await (await app.request(path(engine.task))).json()
    const byId = await (await app.request(`/app-engine/v1/tasks/${engine.task.id}/placement`)).json()

    expect(byName).toMatchObject({
      placeable: true,
      queue: 'fargate',
      platform: 'FARGATE',
      vcpus: 2,
      memoryMiB: 5120,
      asked: { cpus: 1, memoryMiB: 4096, gpus: 0, internet: false },
      imageSizeBytes: 5,
      currency: 'USD',
    })
    expect(byId).toEqual(byName)
  })

  it('returns the reason for having no queue', async () => {
    const engine = await anEngine({
      task: aTask({ queue: null, jobDefinitionArn: null, unschedulableReason: 'too large' }),
    })

    const answer = await createCheckedApp(engine).request(path(engine.task))

    expect(await answer.json()).toMatchObject({ placeable: false, queue: null, reasons: ['too large'] })
  })

  it('answers 404 for an unknown task', async () => {
    const answer = await createCheckedApp(await anEngine()).request('/app-engine/v1/tasks/a/1.0.0/placement')

    expect(answer.status).toBe(404)
  })
})

describe('the placement of a task that is not imported yet', () => {
  const SMALL = { ramBytes: String(2 * GIB), cpus: 1, gpus: 0, internet: false }
  const image = { unpackedBytes: 10 * GIB, packedBytes: 4 * GIB }

  it('is the one that the import would record', () => {
    expect(placementFor(SMALL, image, FARGATE)).toEqual(
      placementOf(aTask({ resources: SMALL, imageSize: image }), FARGATE),
    )
  })

  it.each([
    [
      'resources that no queue has',
      { ...SMALL, gpus: 1 },
      image,
      /requests 1 GPU\(s\), and this installation has no GPU queue/u,
    ],
    [
      'an image that is too large for every disk',
      SMALL,
      { ...image, unpackedBytes: 300 * GIB },
      /make the image smaller/u,
    ],
  ])('is a reason for %s', (_, resources, size, reason) => {
    expect(placementFor(resources, size, FARGATE)).toEqual({ reasons: [expect.stringMatching(reason)] })
  })

  const ask = async (query: string) => {
    const app = createCheckedApp(await anEngine())
    const answer = await app.request(`/app-engine/v1/placement?${query}`)
    return { status: answer.status, body: await answer.json() }
  }

  it('is returned for the resources in a query', async () => {
    const sizes = `imageBytes=${image.packedBytes}&unpackedImageBytes=${image.unpackedBytes}`

    const { status, body } = await ask(`cpus=1&memoryMiB=2048&${sizes}`)

    expect(status).toBe(200)
    expect(body).toMatchObject({
      placeable: true,
      queue: 'fargate',
      diskGiB: 30,
      asked: { cpus: 1, memoryMiB: 2048, gpus: 0, internet: false },
      imageSizeBytes: image.packedBytes,
    })
    expect((await ask('cpus=1&memoryMiB=2048&internet=true')).body).toMatchObject({
      placeable: false,
      reasons: [expect.stringMatching(/internet access/u)],
    })
  })

  it.each([
    ['memoryMiB=1', /cpus.*missing/u],
    ['cpus=1', /memoryMiB.*missing/u],
    ['cpus=0&memoryMiB=1', /cpus \\?"0\\?": expected an integer from 1/u],
    ['cpus=1&memoryMiB=1e3', /memoryMiB .*1e3/u],
    ['cpus=1&memoryMiB=99999999999999999999', /memoryMiB .*9/u],
    ['cpus=1&memoryMiB=1&internet=yes', /internet .*true or false/u],
  ])('is refused for the query %s', async (query, words) => {
    const { status, body } = await ask(query)

    expect(status).toBe(400)
    expect(JSON.stringify(body)).toMatch(words)
  })
})
