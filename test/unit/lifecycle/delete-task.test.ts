import { describe, expect, it } from 'vitest'
import { changeRunState } from '../../../src/lifecycle/change-run-state.ts'
import { deleteTask } from '../../../src/lifecycle/delete-task.ts'
import { createRun } from '../../../src/run/create-run.ts'
import { RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { provisionInput } from '../../fixtures/provision-by-id.ts'
import { aRunSet, SET_ID } from '../../fixtures/run-sets.ts'
import { REFUSALS } from '../inputs/refusals.ts'

const NOT_FOUND = { error: 'INTERNAL_TASK_NOT_FOUND' }

async function anEngineWithRuns() {
  const engine = await anEngine({ run: { job: { attempt: 1, jobName: 'job', logStreamName: 'log' } } })
  await provisionInput(engine, RUN_ID, { parameterName: 'a', value: 1 })
  for (let count = 0; count < 12; count += 1) await createRun(engine, engine.task)
  await engine.objects.put(`task-${engine.task.id}-def/descriptor.yml`, 'name: x')
  return engine
}

describe('the deletion of a task', () => {
  it('removes its runs, job definition, image and files, and releases the name', async () => {
    const engine = await anEngineWithRuns()
    const removed: unknown[] = []
    const registry = { removeImage: async (...image: unknown[]) => void removed.push(image) }

    await deleteTask({ ...engine, registry }, engine.task)

    expect(await engine.runs.listByTask(engine.task.id)).toEqual([])
    expect(engine.objects.keys()).toEqual([])
    expect(engine.scheduler.definitions.size).toBe(0)
    expect(removed).toEqual([[engine.task.image.repository, engine.task.image.tag]])
    const { namespace, version } = engine.task
    await expect(
      engine.tasks.reserveName({ namespace, version, uploadId: 'another', leaseSeconds: 60 }),
    ).resolves.toBeUndefined()
  })

  it('is refused for an unknown task and for a deleted one', async () => {
    const engine = await anEngineWithRuns()

    await expect(deleteTask(engine, { namespace: 'com.example', version: '9.9.9' })).rejects.toMatchObject(
      NOT_FOUND,
    )
    await deleteTask(engine, engine.task)
    await expect(deleteTask(engine, engine.task)).rejects.toMatchObject(NOT_FOUND)
  })

  it('includes runs that are created meanwhile', async () => {
    const engine = await anEngineWithRuns()

    const [deleted, ...created] = await Promise.allSettled([
      deleteTask(engine, engine.task),
      ...Array.from({ length: 20 }, () => createRun(engine, engine.task)),
    ])

    expect(deleted.status).toBe('fulfilled')
    expect(created.map(({ status }) => status)).toContain('rejected')
    expect(await engine.runs.listByTask(engine.task.id)).toEqual([])
  })

  it.each(REFUSALS)('releases the name although active runs do not stop: %s', async (_, refuse) => {
    const engine = await anEngine()
    const stubborn = { ...engine, workflow: { ...engine.workflow, stop: refuse } }
    const runs = await Promise.all(Array.from({ length: 5 }, () => createRun(engine, engine.task)))
    for (const { id } of runs) {
      for (const parameterName of ['a', 'b']) await provisionInput(engine, id, { parameterName, value: 1 })
      await engine.objects.put(`task-run-inputs-${id}/a/1`, '1')
    }

    const [deleted] = await Promise.allSettled([
      deleteTask(stubborn, engine.task),
      ...runs.map(({ id }) => changeRunState(stubborn, id, 'RUNNING')),
    ])

    expect(deleted.status).toBe('fulfilled')
    expect(engine.objects.keys()).toEqual([])
    const { namespace, version } = engine.task
    await engine.tasks.reserveName({ namespace, version, uploadId: 'another', leaseSeconds: 60 })
    for (const { id } of runs) expect(await engine.runs.find(id)).toBeUndefined()
  })

  it('stops at its time limit for any number of runs, and continues in the next call', async () => {
    const engine = await anEngine()
    const ids: string[] = []
    for (let count = 0; count < 250; count += 1) ids.push((await createRun(engine, engine.task)).id)
    for (const id of ids) await engine.objects.put(`task-run-inputs-${id}/a/1`, '1')
    const filesOf = () => engine.objects.keys().length
    /** Continues the deletion until the files of this many runs are removed. */
    const deleteSome = async (most: number) => {
      const end = Math.max(0, filesOf() - most)
      return deleteTask(engine, engine.task, { isTimeUp: () => filesOf() <= end })
    }

    const first = await deleteSome(100)
    const after = filesOf()
    const hidden = await engine.runs.findAll(ids)
    const begun = await engine.runs.listInRemoval(engine.identity.now(), 1000)
    engine.identity.advance(300)
    const rest = [await deleteSome(100), await deleteSome(1000), await deleteTask(engine, engine.task)]

    expect(first).toBe(false)
    expect(after).toBeGreaterThan(100)
    expect(hidden).toEqual([])
    // A second call does not restart the time in which late writes are possible.
    expect(begun).toHaveLength(250)
    const early = new Date(engine.identity.now().getTime() - 300_000)
    expect(await engine.runs.listInRemoval(early, 1000)).toHaveLength(250)
    expect(rest).toEqual([false, false, true])
    expect([filesOf(), await engine.runs.listIdsByTask(engine.task.id)]).toEqual([0, []])
    expect(await engine.tasks.isInRemoval(engine.task)).toBe(false)
  })

  it('removes the files of each run once, although it takes several calls', async () => {
    const engine = await anEngine()
    for (let count = 0; count < 40; count += 1) await createRun(engine, engine.task)
    const removed: string[] = []
    let calls = 0
    const objects: typeof engine.objects = {
      ...engine.objects,
      async removeAll(prefix) {
        if (prefix.startsWith('task-run-inputs')) removed.push(prefix)
        calls += 1
      },
    }

    await deleteTask({ ...engine, objects }, engine.task, { isTimeUp: () => calls >= 40 })
    await deleteTask({ ...engine, objects }, engine.task)

    // Removals in progress at the time limit are repeated.
    expect(new Set(removed).size).toBe(40)
    expect(removed.length).toBeLessThanOrEqual(40 + 16)
  })

  it('stops the workflows of its run sets, and leaves nothing of the sets', async () => {
    const engine = await anEngine()
    await engine.sets.create(aRunSet())
    await engine.objects.put(`task-run-set-${SET_ID}/rows`, '[]')
    await engine.setWorkflow.start(`${SET_ID}-1`)

    await deleteTask(engine, engine.task)

    expect(engine.objects.keys()).toEqual([])
    expect(await engine.setWorkflow.findStatus(`${SET_ID}-1`)).not.toBe('RUNNING')
    expect(await engine.sets.listRemoved(engine.identity.now(), 10)).toMatchObject([{ id: SET_ID }])
  })

  it('of another id leaves the task with this name unchanged', async () => {
    const engine = await anEngine()

    await expect(deleteTask(engine, engine.task, { onlyId: 'of-an-earlier-task' })).rejects.toMatchObject(
      NOT_FOUND,
    )

    expect(await engine.tasks.list()).toHaveLength(1)
  })

  it('continues when one part fails, hides the task, and is completed when it is repeated', async () => {
    const engine = await anEngineWithRuns()
    const broken = {
      ...engine,
      registry: { removeImage: () => Promise.reject(new Error('the registry is unavailable')) },
      logs: { remove: () => Promise.reject(new Error('the logs are unavailable')) },
    }

    await expect(deleteTask(broken, engine.task)).rejects.toThrow(/unfinished/u)

    expect(engine.scheduler.definitions.size).toBe(0)
    expect(engine.objects.keys()).toEqual([])
    expect(await engine.tasks.list()).toEqual([])
    await expect(createRun(engine, engine.task)).rejects.toMatchObject(NOT_FOUND)
    await deleteTask(engine, engine.task)
    expect(await engine.runs.listByTask(engine.task.id)).toEqual([])
    expect(await engine.tasks.beginRemoval(engine.task)).toBeUndefined()
  })
})
