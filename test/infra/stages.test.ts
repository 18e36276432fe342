import { describe, expect, it } from 'vitest'
import { chooseStage, DEFAULT_STAGE, STAGE_NAMES, stageNamed } from '../../lib/stages.ts'

describe('stages', () => {
  it('are listed when a name is unknown', () => {
    const choose = () => stageNamed('staging', {})

    expect(choose).toThrow(/unknown stage "staging".*local, production/u)
  })

  it('cannot be chosen together with a settings file', () => {
    expect(() => chooseStage({ stage: 'local', settings: 'lab.json' }, {})).toThrow(/exclude each other/u)
  })

  it('cannot be read from a folder', () => {
    expect(() => chooseStage({ settings: import.meta.dirname }, {})).toThrow(/infra cannot be read/u)
  })

  it('cannot have the name of a property of Object.prototype', () => {
    expect(() => stageNamed('toString', {})).toThrow(/unknown stage/u)
  })

  it('include production as the default', () => {
    expect(DEFAULT_STAGE).toBe('production')
    expect(STAGE_NAMES).toContain(DEFAULT_STAGE)
  })

  it('include production, which keeps its data and has a private API', () => {
    const stage = stageNamed('production', {})

    expect(stage.keepData).toBe(true)
    expect(stage.access.mode).toBe('private')
    expect(stage.emulator).toBeUndefined()
  })

  it('give a run more time than one attempt of its job', () => {
    const stages = STAGE_NAMES.map((name) => stageNamed(name, {}))

    for (const { runTimeoutHours, attemptTimeoutHours } of stages) {
      expect(runTimeoutHours).toBeGreaterThan(attemptTimeoutHours)
    }
  })
})
