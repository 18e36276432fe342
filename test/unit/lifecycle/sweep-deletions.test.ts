import { describe, expect, it } from 'vitest'
import { deleteRun } from '../../../src/lifecycle/delete-run.ts'
import { deleteTask } from '../../../src/lifecycle/delete-task.ts'
import { sweepDeletions } from '../../../src/lifecycle/sweep-deletions.ts'
import { RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'

type Engine = Awaited<ReturnType<typeof anEngine>>

const settings = { graceSeconds: 300, lateWriteSeconds: 7200 }
const OUTPUT = `task-run-outputs-${RUN_ID}/1-1/sum`
const away = () => Promise.reject(new Error('unavailable'))

async function sweep(engine: Engine, isTimeUp = () => false) {
  const deleted: string[] = []
  const problems: unknown[] = []
  await sweepDeletions(
    { ...engine, settings },
    {
      isTimeUp,
      onTaskDeleted: ({ namespace, version }) => deleted.push(`${namespace} ${version}`),
      onProblem: (what) => problems.push(what),
    },
  )
  return { deleted, problems }
}

const recordsOf = (engine: Engine) => engine.runs.listIdsByTask(engine.task.id)

describe('a sweep of deleted runs', () => {
  it('removes late files and the item once no late write is possible', async () => {
    const engine = await anEngine({ run: {} })
    await deleteRun(engine, RUN_ID)
    await engine.objects.put(OUTPUT, '1')
    engine.identity.advance(settings.lateWriteSeconds - 1)
    await sweep(engine)
    const early = [await recordsOf(engine), engine.objects.keys()]
    engine.identity.advance(1)

    await sweep(engine)

    expect(early).toEqual([[RUN_ID], [OUTPUT]])
    expect([await recordsOf(engine), engine.objects.keys()]).toEqual([[], []])
  })

  it('completes an interrupted deletion', async () => {
    const engine = await anEngine({ run: {} })
    await engine.objects.put(OUTPUT, '1')
    const broken = { ...engine, objects: { ...engine.objects, removeAll: away } }
    await expect(deleteRun(broken, RUN_ID)).rejects.toThrow(/unfinished/u)
    engine.identity.advance(settings.lateWriteSeconds)

    await sweep(engine)

    expect([await recordsOf(engine), engine.objects.keys()]).toEqual([[], []])
  })

  it('reports a deletion that it could not complete, and tries it again later', async () => {
    const engine = await anEngine({ run: {} })
    await deleteRun(engine, RUN_ID)
    engine.identity.advance(settings.lateWriteSeconds)

    const { problems } = await sweep({ ...engine, runs: { ...engine.runs, remove: away } })
    const soon = await sweep(engine)
    engine.identity.advance(settings.lateWriteSeconds)
    await sweep(engine)

    expect([problems, soon.problems]).toEqual([[{ runId: RUN_ID }], []])
    expect(await recordsOf(engine)).toEqual([])
  })

  it('starts nothing after its time limit', async () => {
    const engine = await anEngine({ run: {} })
    await deleteRun(engine, RUN_ID)
    engine.identity.advance(settings.lateWriteSeconds)

    await sweep(engine, () => true)

    expect(await recordsOf(engine)).toEqual([RUN_ID])
  })

  it('ignores runs that are not deleted', async () => {
    const engine = await anEngine({ run: { state: 'FINISHED' } })
    engine.identity.advance(settings.lateWriteSeconds)

    await sweep(engine)

    expect(await engine.runs.find(RUN_ID)).toMatchObject({ state: 'FINISHED' })
  })
})

describe('a sweep of deleted tasks', () => {
  async function brokenOff(): Promise<Engine> {
    const engine = await anEngine({ run: {} })
    await engine.objects.put(OUTPUT, '1')
    const broken = { ...engine, objects: { ...engine.objects, removeAll: away } }
    await expect(deleteTask(broken, engine.task)).rejects.toThrow(/unfinished/u)
    return engine
  }

  it('completes an interrupted deletion after the grace period, and releases the name', async () => {
    const engine = await brokenOff()
    engine.identity.advance(settings.graceSeconds - 1)
    const early = await sweep(engine)
    engine.identity.advance(1)

    const { deleted } = await sweep(engine)

    const { namespace, version } = engine.task
    expect([early.deleted, deleted]).toEqual([[], [`${namespace} ${version}`]])
    expect(engine.objects.keys()).toEqual([])
    expect(await engine.tasks.isInRemoval(engine.task)).toBe(false)
  })

  it('ignores the task that took the name after a client completed the deletion', async () => {
    const engine = await brokenOff()
    engine.identity.advance(settings.graceSeconds)
    const { namespace, version } = engine.task
    const later = { ...engine.task, id: '99999999-9999-4999-8999-999999999999' }
    const listInRemoval: typeof engine.tasks.listInRemoval = async (...range) => {
      const listed = await engine.tasks.listInRemoval(...range)
      await deleteTask(engine, engine.task)
      await engine.tasks.reserveName({ namespace, version, uploadId: 'later', leaseSeconds: 60 })
      await engine.tasks.publish(later, 'later')
      return listed
    }

    const { deleted, problems } = await sweep({ ...engine, tasks: { ...engine.tasks, listInRemoval } })

    expect([deleted, problems]).toEqual([[], []])
    expect(await engine.tasks.findByName(namespace, version)).toMatchObject({ id: later.id })
  })

  it('handles the runs although it cannot complete a task', async () => {
    const engine = await brokenOff()
    engine.identity.advance(settings.lateWriteSeconds)
    const registry = { ...engine.registry, removeImage: away }

    const { problems } = await sweep({ ...engine, registry })
    engine.identity.advance(settings.lateWriteSeconds)
    await sweep({ ...engine, registry })

    const { namespace, version } = engine.task
    expect(problems).toEqual([{ task: { namespace, version } }])
    expect(await engine.tasks.isInRemoval(engine.task)).toBe(true)
    expect(engine.objects.keys()).toEqual([])
  })
})
