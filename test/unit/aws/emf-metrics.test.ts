import { afterEach, describe, expect, it, vi } from 'vitest'
import { createEmfMetrics } from '../../../src/aws/emf-metrics.ts'

/** JSON documents that `work` writes to stdout, one per line. */
function written(work: () => void): Record<string, unknown>[] {
  const lines: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    lines.push(String(text))
    return true
  })
  work()
  vi.restoreAllMocks()
  return lines
    .join('')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

const metrics = createEmfMetrics({ installation: 'app-engine' })

afterEach(() => vi.restoreAllMocks())

describe('metrics in the log', () => {
  it('are one line for each count, with installation and kind', () => {
    const lines = written(() => {
      metrics.count('RunsEnded', 'finished', { runId: 'r', taskId: 't' })
      metrics.count('RunsEnded', 'engine-error')
    })

    expect(lines).toMatchObject([
      {
        _aws: {
          CloudWatchMetrics: [
            {
              Namespace: 'CytomineAppEngine',
              Dimensions: [['service', 'kind']],
              Metrics: [{ Name: 'RunsEnded', Unit: 'Count' }],
            },
          ],
        },
        service: 'app-engine',
        kind: 'finished',
        RunsEnded: 1,
        runId: 'r',
        taskId: 't',
      },
      { kind: 'engine-error', RunsEnded: 1 },
    ])
  })

  it('have no kind when they are measurements', () => {
    const [line] = written(() => metrics.observe('QueueSeconds', 12.5))

    expect(line).toMatchObject({
      _aws: {
        CloudWatchMetrics: [
          { Dimensions: [['service']], Metrics: [{ Name: 'QueueSeconds', Unit: 'Seconds' }] },
        ],
      },
      QueueSeconds: 12.5,
    })
    expect(line).not.toHaveProperty('kind')
  })
})
