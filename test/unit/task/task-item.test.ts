import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { summaryOf, type Task } from '../../../src/task/task.ts'
import { decodeListed, decodeTask, encodeListed, encodeTask } from '../../../src/task/task-item.ts'
import { anInput, aTask } from '../../fixtures/builders.ts'

describe('task items', () => {
  it('contain a task unchanged', () => {
    expect(decodeTask({ document: encodeTask(aTask()) })).toStrictEqual(aTask())
  })

  it('can contain a descriptor of 1 MB with repetitions', () => {
    const task = aTask({ description: 'All work and no play. '.repeat(50_000) })

    expect(encodeTask(task).length).toBeLessThan(10_000)
  })

  it('are refused for a descriptor that is too large, with a message for its author', () => {
    const task = aTask({ description: randomBytes(400_000).toString('base64') })

    expect(() => encodeTask(task)).toThrow(
      expect.objectContaining({
        name: 'DomainError',
        error: 'INTERNAL_SCHEMA_VALIDATION_ERROR',
        details: {
          type: 'batch',
          errors: [
            expect.objectContaining({ message: expect.stringContaining('the descriptor is too large') }),
          ],
        },
      }),
    )
  })

  it('are refused for a task that could not be read back', () => {
    const task = aTask({ inputs: [anInput({ type: { id: 'integer', gt: Number.NaN } })] })

    expect(() => encodeTask(task)).toThrow()
  })

  it('are refused on reading when their content is invalid', () => {
    expect(() => decodeTask({ document: 'text' })).toThrow()
    expect(() => decodeTask({})).toThrow()
  })
})

describe('items that list a task', () => {
  const listed = (task: Task) => encodeListed(task, encodeTask(task))

  it.each([null, 'short', 'x'.repeat(10_000), randomBytes(20_000).toString('base64')])(
    'contain what a listing shows, whatever the description',
    (description) => {
      const task = aTask({ description })

      expect(decodeListed(listed(task))).toStrictEqual(summaryOf(task))
    },
  )

  it('contain the whole task for earlier versions, and only the task when both would be too large', () => {
    const task = aTask({ description: randomBytes(220_000).toString('base64') })

    expect(decodeTask(listed(aTask()))).toStrictEqual(aTask())
    expect(Object.keys(listed(task))).toEqual(['document'])
    expect(decodeListed(listed(task))).toBeUndefined()
  })
})
