import { describe, expect, it } from 'vitest'
import { createTaskMetadata, type MetadataFault } from '../../../../local/batch/task-metadata.ts'

/** A task whose stage-in has ended and whose task container is running. */
function aTask(fault?: MetadataFault) {
  const metadata = createTaskMetadata({
    baseUrl: 'http://127.0.0.1:1',
    uuid: () => 'an-id',
    fault: () => fault,
  })
  const task = metadata.open('arn:task')
  task.started('stage-in')
  task.ended({ name: 'stage-in', exitCode: 0 })
  task.started('task')
  return { metadata, task, ask: () => metadata.answer('/v4/an-id/task') }
}

describe('the metadata endpoint of a task', () => {
  it('describes the started containers in the form of the ECS agent', () => {
    const { task, ask } = aTask()

    expect(task.uri).toBe('http://127.0.0.1:1/v4/an-id')
    expect(ask()).toEqual({
      status: 200,
      body: {
        TaskARN: 'arn:task',
        Containers: [
          { Name: 'stage-in', KnownStatus: 'STOPPED', ExitCode: 0 },
          { Name: 'task', KnownStatus: 'RUNNING' },
        ],
      },
    })
  })

  it('contains no exit code of a container that could not be started', () => {
    const { task, ask } = aTask()

    task.ended({ name: 'task', reason: 'CannotStartContainerError: x' })

    expect(ask().body).toMatchObject({
      Containers: [{ ExitCode: 0 }, { Name: 'task', KnownStatus: 'STOPPED' }],
    })
    expect(JSON.stringify(ask().body).match(/ExitCode/gu)).toHaveLength(1)
  })

  it('is not available after the end of the task', () => {
    const { task, ask } = aTask()

    task.close()

    expect(ask().status).toBe(404)
  })

  it('can be made to fail, or to omit exit codes', () => {
    expect(aTask('unavailable').ask().status).toBe(503)
    expect(JSON.stringify(aTask('without-exit-code').ask())).not.toContain('ExitCode')
  })
})
