import { describe, expect, it } from 'vitest'
import { chooseStage, DEFAULT_STAGE, STAGE_NAMES, stageNamed } from '../../lib/stages.ts'

describe('stages', () => {
  it('names the known stages and the default when a name is unknown', () => {
    const choose = () => stageNamed('staging', {})

    expect(choose).toThrow(/unknown stage "staging".*local, production/u)
  })

  it('refuses a stage and settings at once', () => {
    expect(() => chooseStage({ stage: 'local', settings: 'lab.json' }, {})).toThrow(/exclude each other/u)
  })

  it('refuses a folder for a settings file', () => {
    expect(() => chooseStage({ settings: import.meta.dirname }, {})).toThrow(/infra cannot be read/u)
  })

  it('refuses a property of Object.prototype as a stage', () => {
    expect(() => stageNamed('toString', {})).toThrow(/unknown stage/u)
  })

  it('deploys production by default', () => {
    expect(DEFAULT_STAGE).toBe('production')
    expect(STAGE_NAMES).toContain(DEFAULT_STAGE)
  })

  it('keeps data and a private API in production', () => {
    const stage = stageNamed('production', {})

    expect(stage.keepData).toBe(true)
    expect(stage.access.mode).toBe('private')
    expect(stage.emulator).toBeUndefined()
  })

  it('gives a run more time than one attempt of its job', () => {
    const stages = STAGE_NAMES.map((name) => stageNamed(name, {}))

    for (const { runTimeoutHours, attemptTimeoutHours } of stages) {
      expect(runTimeoutHours).toBeGreaterThan(attemptTimeoutHours)
    }
  })
})
