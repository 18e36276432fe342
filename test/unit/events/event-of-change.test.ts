import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { setRunId } from '../../../src/contract/set-run-id.ts'
import { EVENT_TYPES } from '../../../src/events/event.ts'
import { eventOfChange } from '../../../src/events/event-of-change.ts'
import type { ItemChange } from '../../../src/events/item-change.ts'
import { eventJsonSchema } from '../../../src/events/json-schema.ts'
import type { Run } from '../../../src/run/run.ts'
import { encodeRun, IN_REMOVAL } from '../../../src/run/run-items.ts'
import { runSetKey } from '../../../src/run/run-set-key.ts'
import type { Upload } from '../../../src/upload/upload.ts'
import { aRun, RUN_ID, TASK_ID } from '../../fixtures/builders.ts'
import { aChange, aRunChange } from '../../fixtures/item-changes.ts'
import { aRunSet, SET_ID } from '../../fixtures/run-sets.ts'

const isValid = new Ajv({ allErrors: true }).compile(JSON.parse(eventJsonSchema()))

/** The event of a change, after a check against the schema. */
function eventOf(change: ItemChange) {
  const event = eventOfChange(change, 'app-engine')
  if (event !== undefined) expect(isValid(event), JSON.stringify(isValid.errors)).toBe(true)
  return event
}

const setItem = (changes: Parameters<typeof aRunSet>[0] = {}) => ({
  ...runSetKey(SET_ID),
  ...aRunSet(changes),
})

const UPLOAD: Upload = {
  id: '44444444-4444-4444-8444-444444444444',
  key: 'uploads/44444444-4444-4444-8444-444444444444',
  purpose: 'task',
  state: 'CREATED',
  taskId: TASK_ID,
  createdAt: '2026-01-01T00:00:00.000Z',
}
const uploadItem = (changes: Partial<Upload> = {}) => ({
  pk: `UPLOAD#${UPLOAD.id}`,
  sk: 'UPLOAD',
  ...UPLOAD,
  ...changes,
})

describe('the event of a run', () => {
  it('has the state that it entered, the one before, and the time of the change', () => {
    const before = aRun({ state: 'PENDING' })
    const at = '2026-01-01T00:00:05.000Z'
    const after = aRun({ state: 'RUNNING', updatedAt: at, entered: { RUNNING: { at, attempt: 1 } } })

    expect(eventOf(aRunChange(before, after))).toMatchObject({
      version: '1',
      type: 'run.running',
      timestamp: at,
      installation: 'app-engine',
      data: { id: RUN_ID, taskId: TASK_ID, state: 'RUNNING', previousState: 'PENDING' },
    })
  })

  it('has the time of its creation, and no state before, when it is new', () => {
    const { createdAt } = aRun()

    expect(eventOf(aRunChange(undefined, aRun()))).toMatchObject({
      type: 'run.created',
      timestamp: createdAt,
      data: { previousState: null },
    })
  })

  it('has the reason of a failure, truncated to 2000 characters', () => {
    const failure = { kind: 'task-failed', message: 'x'.repeat(5000), exitCode: 3 } as const
    const event = eventOf(aRunChange(aRun({ state: 'RUNNING' }), aRun({ state: 'FAILED', failure })))

    expect(event?.data).toMatchObject({ error: { kind: 'task-failed', exitCode: 3 } })
    expect(JSON.stringify(event).length).toBeLessThan(2600)
  })

  it('names the run whose outputs were reused', () => {
    const reusedFrom = '99999999-9999-4999-8999-999999999999'
    const after = aRun({ state: 'FINISHED', reusedFrom })

    expect(eventOf(aRunChange(aRun({ state: 'PROVISIONED' }), after))).toMatchObject({
      type: 'run.finished',
      data: { previousState: 'PROVISIONED', reusedFrom },
    })
  })

  it('names its place in a run set', () => {
    const id = setRunId({ setId: SET_ID, row: 6, round: 2 })

    expect(eventOf(aRunChange(undefined, aRun({ id })))?.data).toMatchObject({
      set: { id: SET_ID, row: 7, round: 2 },
    })
  })

  it('contains neither the run’s secret, nor a token of the workflow, nor an input', () => {
    const secrets: Partial<Run> = {
      secret: 'hidden-1',
      job: { attempt: 1, jobName: 'hidden-2', taskToken: 'hidden-3' },
      provisions: { 'hidden-4': { kind: 'cleared' } },
    }
    const event = eventOf(aRunChange(aRun(), aRun({ state: 'QUEUING', ...secrets })))

    expect(event?.type).toBe('run.queuing')
    expect(JSON.stringify(event)).not.toContain('hidden')
  })

  it('reports the deletion once: when the run is hidden, not when its item is removed', () => {
    const visible = encodeRun(aRun({ state: 'FINISHED' }))
    const hidden = { ...visible, [IN_REMOVAL]: true, updatedAt: '2026-01-01T00:00:07.000Z' }

    expect(eventOf(aChange(visible, hidden))).toMatchObject({
      type: 'run.deleted',
      timestamp: '2026-01-01T00:00:07.000Z',
      data: { state: 'FINISHED', previousState: 'FINISHED' },
    })
    expect(eventOf(aChange(hidden, undefined))).toBeUndefined()
    expect(eventOf(aChange(hidden, { ...hidden, updatedAt: 'later' }))).toBeUndefined()
  })

  it('is not sent for a change within a state', () => {
    const job = { attempt: 1, jobName: 'job' }

    expect(eventOf(aRunChange(aRun({ state: 'QUEUING' }), aRun({ state: 'QUEUING', job })))).toBeUndefined()
  })
})

describe('the event of a run set', () => {
  it.each([
    [undefined, 'validating', 'run-set.validating'],
    ['validating', 'creating', undefined],
    ['creating', 'running', 'run-set.running'],
    ['running', 'finished', 'run-set.finished'],
    ['validating', 'invalid', 'run-set.failed'],
    ['running', 'cancelling', 'run-set.cancelled'],
    ['cancelling', 'cancelled', undefined],
  ] as const)('for the change from phase %s to %s is %s', (from, to, type) => {
    const change = aChange(from && setItem({ phase: from }), setItem({ phase: to }))

    expect(eventOf(change)?.type).toBe(type)
  })

  it('reports a file that was removed while runs were created as a failure, not as a cancellation', () => {
    const creating = { phase: 'creating', creatingRows: [0, 1, 2] } as const
    const ending = { ...creating, phase: 'cancelling', problemCount: 2 } as const

    expect(eventOf(aChange(setItem(creating), setItem(ending)))).toMatchObject({
      type: 'run-set.failed',
      data: { state: 'FAILED', problems: 2 },
    })
  })

  it('reports a cancellation as such, although the part of the table that was checked has problems', () => {
    const change = aChange(
      setItem({ phase: 'validating' }),
      setItem({ phase: 'cancelling', problemCount: 2 }),
    )

    expect(eventOf(change)).toMatchObject({ type: 'run-set.cancelled', data: { state: 'CANCELLED' } })
  })

  it('reports the deletion when the set is hidden', () => {
    const hidden = { ...setItem({ phase: 'finished' }), [IN_REMOVAL]: true }

    expect(eventOf(aChange(setItem({ phase: 'finished' }), hidden))).toMatchObject({
      type: 'run-set.deleted',
      data: { id: SET_ID, state: 'FINISHED' },
    })
  })
})

describe('the event of an import', () => {
  it('names the task, and why it failed', () => {
    const error = {
      errorCode: 'APPE-x',
      message: 'no image',
      details: { type: 'empty' },
      status: 400,
    } as const
    const name = { namespace: 'org.example', version: '1.0.0' }
    const change = aChange(uploadItem({ state: 'VALIDATING' }), uploadItem({ state: 'FAILED', error, name }))

    expect(eventOf(change)).toMatchObject({
      type: 'import.failed',
      timestamp: '2026-01-01T00:00:09.000Z',
      data: { id: UPLOAD.id, task: name, error: { errorCode: 'APPE-x', message: 'no image' } },
    })
  })

  it('is import.deleted for an upload that is removed before its import has ended', () => {
    expect(eventOf(aChange(uploadItem(), undefined))?.type).toBe('import.deleted')
  })

  it('is not sent for an input file, for progress, or for an upload that expires after its import', () => {
    const progress = { layers: 1, layersDone: 0, bytes: 1, bytesDone: 0 }

    expect(eventOf(aChange(undefined, uploadItem({ purpose: 'input' })))).toBeUndefined()
    expect(
      eventOf(aChange(uploadItem({ state: 'PUSHING' }), uploadItem({ state: 'PUSHING', progress }))),
    ).toBeUndefined()
    expect(eventOf(aChange(uploadItem({ state: 'READY' }), undefined))).toBeUndefined()
  })
})

describe('events', () => {
  it('of one change have the same id in each delivery, and a different id from those of other changes', () => {
    const change = aRunChange(undefined, aRun())

    expect(eventOf(change)).toEqual(eventOf({ ...change }))
    expect(eventOf({ ...change, id: 'another' })?.id).not.toBe(eventOf(change)?.id)
  })

  it('are ordered by their sequence as text', () => {
    const [small, large] = ['99', '100'].map(
      (sequence) => eventOf({ ...aRunChange(undefined, aRun()), sequence })?.sequence ?? '',
    )

    expect(String(small) < String(large)).toBe(true)
  })

  it('are not sent for other items', () => {
    const item = { pk: 'STORES', sk: 'STORE#1', id: '1' }

    expect(eventOf(aChange(undefined, item))).toBeUndefined()
  })

  it('have a different name for each type', () => {
    expect(EVENT_TYPES).toHaveLength(new Set(EVENT_TYPES).size)
  })
})
