import { beforeEach, describe, expect, it } from 'vitest'
import { summaryOf } from '../../src/task/task.ts'
import type { TaskRepository } from '../../src/task/task-repository.ts'
import { anInput, anOutput, aTask } from '../fixtures/builders.ts'
import type { FixedIdentity } from '../fixtures/fixed-identity.ts'

interface TaskRepositoryHarness {
  readonly tasks: TaskRepository
  /** Second repository of the same data, as in another process. */
  readonly elsewhere: TaskRepository
  readonly identity: FixedIdentity
}

const UPLOAD = 'upload-1'
const OTHER_UPLOAD = 'upload-2'
const NAME = { namespace: aTask().namespace, version: aTask().version }
const EXISTS = expect.objectContaining({ name: 'DomainError', error: 'INTERNAL_TASK_EXISTS' })

/** Contract of every task repository. `setUp` returns an empty one for each test. */
export function describeTaskRepository(adapter: string, setUp: () => Promise<TaskRepositoryHarness>): void {
  describe(`task repository (${adapter})`, () => {
    let tasks: TaskRepository
    let elsewhere: TaskRepository
    let identity: FixedIdentity

    beforeEach(async () => {
      const harness = await setUp()
      tasks = harness.tasks
      elsewhere = harness.elsewhere
      identity = harness.identity
    })

    const reserve = (uploadId: string, leaseSeconds = 60) =>
      tasks.reserveName({ ...NAME, uploadId, leaseSeconds })

    async function install(changes: Parameters<typeof aTask>[0] = {}, uploadId = UPLOAD) {
      const task = aTask(changes)
      const { namespace, version } = task
      await tasks.reserveName({ namespace, version, uploadId, leaseSeconds: 60 })
      await tasks.publish(task, uploadId)
      return task
    }

    describe('names', () => {
      it('refuses a name that another upload reserved', async () => {
        await reserve(UPLOAD)

        await expect(reserve(OTHER_UPLOAD)).rejects.toEqual(EXISTS)
      })

      it('reserves a name for exactly one of many concurrent uploads', async () => {
        const uploads = Array.from({ length: 10 }, (_, index) => `upload-${index}`)

        const outcomes = await Promise.allSettled(uploads.map((uploadId) => reserve(uploadId)))

        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
        for (const outcome of outcomes)
          if (outcome.status === 'rejected') expect(outcome.reason).toEqual(EXISTS)
      })

      it('lets the same upload reserve again, which renews the lease', async () => {
        await reserve(UPLOAD, 60)
        identity.advance(59)

        await reserve(UPLOAD, 60)
        identity.advance(59)

        await expect(reserve(OTHER_UPLOAD)).rejects.toEqual(EXISTS)
      })

      it('lets another upload reserve a name when the lease has ended', async () => {
        await reserve(UPLOAD, 60)
        identity.advance(60)

        await reserve(OTHER_UPLOAD)

        await expect(reserve(UPLOAD)).rejects.toEqual(EXISTS)
      })

      it('reserves another version of a reserved name', async () => {
        await reserve(UPLOAD)

        await expect(
          tasks.reserveName({ ...NAME, version: '2.0.0', uploadId: OTHER_UPLOAD, leaseSeconds: 60 }),
        ).resolves.toBeUndefined()
      })

      it('frees a name that is released', async () => {
        await reserve(UPLOAD)

        await tasks.releaseName({ ...NAME, uploadId: UPLOAD })

        await expect(reserve(OTHER_UPLOAD)).resolves.toBeUndefined()
      })

      it('ignores a release by an upload that has not reserved the name', async () => {
        await tasks.releaseName({ ...NAME, uploadId: OTHER_UPLOAD })
        await reserve(UPLOAD)

        await tasks.releaseName({ ...NAME, uploadId: OTHER_UPLOAD })

        await expect(reserve(OTHER_UPLOAD)).rejects.toEqual(EXISTS)
      })

      it('keeps the name of an installed task when its upload releases it', async () => {
        const task = await install()

        await tasks.releaseName({ ...NAME, uploadId: UPLOAD })

        expect(await tasks.findByName(task.namespace, task.version)).toEqual(task)
      })

      it('refuses the name of an installed task of any age', async () => {
        await install()
        identity.advance(1_000_000)

        await expect(reserve(OTHER_UPLOAD)).rejects.toEqual(EXISTS)
      })

      it('keeps an installed task when the upload that published it reserves again', async () => {
        const task = await install()

        await reserve(UPLOAD)

        expect(await tasks.findByName(task.namespace, task.version)).toEqual(task)
      })

      it('finds no task by a name that is only reserved', async () => {
        await reserve(UPLOAD)

        expect(await tasks.findByName(NAME.namespace, NAME.version)).toBeUndefined()
      })
    })

    describe('publishing', () => {
      it('makes the task visible by id, by name and in the listing', async () => {
        const task = await install()

        expect(await tasks.findById(task.id)).toEqual(task)
        expect(await tasks.findByName(task.namespace, task.version)).toEqual(task)
        expect(await tasks.list()).toEqual([summaryOf(task)])
      })

      it('changes nothing when it is repeated', async () => {
        const task = await install()

        await tasks.publish(task, UPLOAD)

        expect(await tasks.list()).toEqual([summaryOf(task)])
      })

      it('succeeds after the end of the lease if no other upload has reserved the name', async () => {
        await reserve(UPLOAD, 60)
        identity.advance(1000)

        await tasks.publish(aTask(), UPLOAD)

        expect(await tasks.findById(aTask().id)).toEqual(aTask())
      })

      it('is refused for an upload that has not reserved the name', async () => {
        await expect(tasks.publish(aTask(), UPLOAD)).rejects.toEqual(EXISTS)

        expect(await tasks.findById(aTask().id)).toBeUndefined()
        expect(await tasks.list()).toEqual([])
      })

      it('is refused for an upload whose name another one has reserved since', async () => {
        await reserve(UPLOAD, 60)
        identity.advance(61)
        await reserve(OTHER_UPLOAD)

        await expect(tasks.publish(aTask(), UPLOAD)).rejects.toEqual(EXISTS)

        expect(await tasks.list()).toEqual([])
      })

      it('is refused for a second task under a name that the upload already published', async () => {
        const first = await install()

        await expect(tasks.publish(aTask({ id: identity.uuid() }), UPLOAD)).rejects.toEqual(EXISTS)

        expect(await tasks.list()).toEqual([summaryOf(first)])
      })

      it('stores every field of a descriptor', async () => {
        const task = aTask({
          version: '1.0.0-rc.1+build.7',
          description: 'été 中文',
          imageFile: 'image.tar',
          inputs: [
            anInput({ name: 'flag', type: { id: 'boolean' }, default: false }),
            anInput({
              name: 'number',
              type: { id: 'number', infinityAllowed: true, nanAllowed: false, gt: -0.5 },
            }),
            anInput({ name: 'text', type: { id: 'string', minLength: 0, maxLength: 10 }, default: '' }),
            anInput({ name: 'choice', type: { id: 'enumeration', values: ['a', 'b'] } }),
            anInput({ name: 'date', type: { id: 'datetime', before: '2026-01-01T00:00:00Z' } }),
            anInput({ name: 'shape', optional: true, type: { id: 'geometry' } }),
            anInput({
              name: 'slide',
              type: { id: 'image', formats: ['TIFF'], maxWidth: 100, maxFileSizeBytes: 5 },
            }),
            anInput({ name: 'table', type: { id: 'file', formats: ['csv'] } }),
            anInput({
              name: 'matrix',
              type: {
                id: 'array',
                minSize: 1,
                allowMissing: true,
                subType: { id: 'array', maxSize: 3, allowMissing: false, subType: { id: 'integer', geq: 0 } },
              },
              default: [[1, 2], [3]],
            }),
          ],
          outputs: [anOutput({ name: 'areas', derivedFrom: 'shape' })],
          matchingGroups: [['inputs/matrix', 'outputs/areas']],
          jobDefinitionArn: null,
          unschedulableReason: 'asks for 500 PB of memory',
          hasLogo: true,
        })

        await install(task)

        expect(await tasks.findById(task.id)).toStrictEqual(task)
      })

      it('stores a descriptor with thousands of parameters', async () => {
        const inputs = Array.from({ length: 3000 }, (_, index) =>
          anInput({ id: identity.uuid(), name: `parameter_${index}` }),
        )

        const task = await install({ inputs })

        expect((await tasks.findById(task.id))?.inputs).toHaveLength(3000)
      })
    })

    describe('listing', () => {
      it('is empty at first', async () => {
        expect(await tasks.list()).toEqual([])
      })

      it('starts with the newest task', async () => {
        for (const day of ['02', '03', '01']) {
          await install({
            id: identity.uuid(),
            version: `${day}.0.0`,
            createdAt: `2026-01-${day}T00:00:00.000Z`,
          })
        }

        const days = (await tasks.list()).map(({ version }) => version.slice(0, 2))

        expect(days).toEqual(['03', '02', '01'])
      })

      it('shows each change by another process immediately', async () => {
        const task = await install()
        const seen = [await elsewhere.list()]
        const other = await install({ id: identity.uuid(), version: '2.0.0' }, OTHER_UPLOAD)
        seen.push(await elsewhere.list(), await elsewhere.list())
        await tasks.beginRemoval(task)
        seen.push(await elsewhere.list(), await elsewhere.list())
        await tasks.remove(task)
        await tasks.remove(other)
        seen.push(await elsewhere.list())

        expect(seen.map((list) => list.map(({ version }) => version).sort())).toEqual([
          ['1.0.0'],
          ['1.0.0', '2.0.0'],
          ['1.0.0', '2.0.0'],
          ['2.0.0'],
          ['2.0.0'],
          [],
        ])
      })

      it('shows a task to other processes immediately, also when many are published concurrently', async () => {
        const missed: string[] = []
        await elsewhere.list()

        await Promise.all(
          Array.from({ length: 20 }, async (_, index) => {
            const [here, there] = index % 2 === 0 ? [tasks, elsewhere] : [elsewhere, tasks]
            const task = aTask({ id: identity.uuid(), version: `${index}.0.0` })
            const { id, namespace, version } = task
            await here.reserveName({ namespace, version, uploadId: version, leaseSeconds: 60 })
            await here.publish(task, version)
            if (!(await there.list()).some((listed) => listed.id === id)) missed.push(version)
          }),
        )

        expect(missed).toEqual([])
        expect(await tasks.list()).toHaveLength(20)
      })

      it('shows a description of any length', async () => {
        const descriptions = [null, 'short', 'x'.repeat(10_000), 'é'.repeat(3000)]
        for (const [index, description] of descriptions.entries()) {
          await install({
            id: identity.uuid(),
            version: `${index}.0.0`,
            description,
            createdAt: `2026-01-0${index + 1}T00:00:00.000Z`,
          })
        }

        const listed = (await tasks.list()).map(({ description }) => description)

        expect(listed.toReversed()).toEqual(descriptions)
      })
    })

    describe('the beginning of a removal', () => {
      it('hides the task from all calls except a repeated removal', async () => {
        const task = await install()

        const begun = await tasks.beginRemoval(task)

        expect(begun).toEqual(task)
        expect(await tasks.findById(task.id)).toBeUndefined()
        expect(await tasks.findByName(task.namespace, task.version)).toBeUndefined()
        expect(await tasks.list()).toEqual([])
        expect(await tasks.beginRemoval(task)).toEqual(task)
      })

      it('hides a task that was read before from the same process', async () => {
        const task = await install()
        expect(await tasks.findById(task.id)).toEqual(task)
        expect(await tasks.findByName(task.namespace, task.version)).toEqual(task)

        await tasks.beginRemoval(task)

        expect(await tasks.findById(task.id)).toBeUndefined()
        expect(await tasks.findByName(task.namespace, task.version)).toBeUndefined()
        await tasks.remove(task)
        expect(await tasks.findById(task.id)).toBeUndefined()
        expect(await tasks.findByName(task.namespace, task.version)).toBeUndefined()
      })

      it('hides the task from calls for its runs', async () => {
        const task = await install()
        expect(await tasks.findOfRun(task.id)).toEqual(task)
        await tasks.beginRemoval(task)

        expect(await tasks.findOfRun(task.id)).toBeUndefined()
        expect(await tasks.findOfRun('of-no-task')).toBeUndefined()
      })

      it('is visible until the task is removed', async () => {
        const task = await install()
        const known = async () => tasks.isInRemoval(task)

        const before = await known()
        await tasks.beginRemoval(task)
        const meanwhile = await known()
        await tasks.remove(task)

        expect([before, meanwhile, await known()]).toEqual([false, true, false])
      })

      it('is listed until the task is removed', async () => {
        const task = await install()
        const { id, namespace, version } = task
        await tasks.beginRemoval(task)
        const until = identity.now()

        await expect.poll(() => tasks.listInRemoval(until, 10)).toEqual([{ id, namespace, version }])
        identity.advance(1)
        expect(await tasks.beginRemoval(task)).toEqual(task)
        expect(await tasks.listInRemoval(until, 10)).toEqual([{ id, namespace, version }])
        await tasks.remove(task)

        await expect.poll(() => tasks.listInRemoval(identity.now(), 10)).toEqual([])
      })

      it('keeps the name reserved until the task is removed', async () => {
        const task = await install()
        await tasks.beginRemoval(task)

        await expect(reserve(OTHER_UPLOAD)).rejects.toEqual(EXISTS)
        await expect(reserve(UPLOAD)).rejects.toEqual(EXISTS)

        await tasks.remove(task)
        await expect(reserve(OTHER_UPLOAD)).resolves.toBeUndefined()
      })

      it('is not undone by a repeated publication', async () => {
        const task = await install()
        await tasks.beginRemoval(task)

        await expect(tasks.publish(task, UPLOAD)).rejects.toEqual(EXISTS)

        expect(await tasks.findById(task.id)).toBeUndefined()
        expect(await tasks.list()).toEqual([])
      })

      it.each([1, 5])(
        'by %i concurrent callers returns the task to each, but undefined once it is removed',
        async (count) => {
          const task = await install()

          const begun = await Promise.all(Array.from({ length: count }, () => tasks.beginRemoval(task)))
          await tasks.remove(task)

          expect(begun).toEqual(begun.map(() => task))
          expect(await tasks.beginRemoval(task)).toBeUndefined()
        },
      )

      it('returns undefined when the name belongs to another task', async () => {
        const task = await install()

        expect(await tasks.beginRemoval(task, 'of-an-earlier-task')).toBeUndefined()
        expect(await tasks.findById(task.id)).toEqual(task)

        expect(await tasks.beginRemoval(task, task.id)).toEqual(task)
        expect(await tasks.beginRemoval(task, 'of-an-earlier-task')).toBeUndefined()
      })

      it('returns undefined for a name that is only reserved', async () => {
        await reserve(UPLOAD)

        expect(await tasks.beginRemoval(NAME)).toBeUndefined()
      })
    })

    describe('removal', () => {
      it('removes the task by id, by name and from the listing', async () => {
        const task = await install()

        await tasks.remove(task)

        expect(await tasks.findById(task.id)).toBeUndefined()
        expect(await tasks.findByName(task.namespace, task.version)).toBeUndefined()
        expect(await tasks.list()).toEqual([])
      })

      it('frees the name', async () => {
        await tasks.remove(await install())

        const successor = await install({ id: identity.uuid() }, OTHER_UPLOAD)

        expect(await tasks.findByName(successor.namespace, successor.version)).toEqual(successor)
      })

      it('does nothing when the task does not exist', async () => {
        const task = await install()
        await tasks.remove(task)

        await expect(tasks.remove(task)).resolves.toBeUndefined()
      })

      it('does not affect a later task of the same name when it is repeated', async () => {
        const task = await install()
        await tasks.remove(task)
        const successor = await install({ id: identity.uuid() }, OTHER_UPLOAD)

        await tasks.remove(task)

        expect(await tasks.findByName(successor.namespace, successor.version)).toEqual(successor)
        expect(await tasks.list()).toEqual([summaryOf(successor)])
      })
    })

    it('returns undefined for a task that was never published', async () => {
      expect(await tasks.findById(identity.uuid())).toBeUndefined()
      expect(await tasks.findByName('com.example', '1.0.0')).toBeUndefined()
    })
  })
}
