import { describe, expect, it } from 'vitest'
import { stageReportSchema } from '../../../src/contract/staging.ts'

const HOUR_SECONDS = 3600

describe('a stage report', () => {
  it.each([0, 48 * HOUR_SECONDS + 1, 336 * HOUR_SECONDS])(
    'accepts %d s, up to the longest attempt that the settings allow',
    (seconds) => {
      expect(stageReportSchema.parse({ stage: 'in', seconds })).toEqual({ stage: 'in', seconds })
    },
  )

  it.each([-1, 336 * HOUR_SECONDS + 1])('refuses %d s', (seconds) => {
    expect(stageReportSchema.safeParse({ stage: 'out', seconds }).success).toBe(false)
  })
})
