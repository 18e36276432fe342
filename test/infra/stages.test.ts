import { RemovalPolicy } from 'aws-cdk-lib'
import { describe, expect, it } from 'vitest'
import { DEFAULT_STAGE, STAGE_NAMES, stageNamed } from '../../lib/stages.ts'
import { synthesize } from './synthesis.ts'

describe('stages', () => {
  it('names the stages there are, and the default, when a name is unknown', () => {
    const choose = () => stageNamed('staging', {})

    expect(choose).toThrow(/unknown stage "staging".*local, production.*without it, production/u)
  })

  it('takes no property of every object for a stage', () => {
    expect(() => stageNamed('toString', {})).toThrow(/unknown stage/u)
  })

  it('deploys production when nobody names a stage', () => {
    expect(DEFAULT_STAGE).toBe('production')
    expect(STAGE_NAMES).toContain(DEFAULT_STAGE)
  })

  it('keeps data and a private API in production', () => {
    const stage = stageNamed('production', {})

    expect(stage.removalPolicy).toBe(RemovalPolicy.RETAIN)
    expect(stage.access.mode).toBe('private')
    expect(stage.emulator).toBeUndefined()
  })

  it('gives a run more time than one attempt of its job', () => {
    const stages = STAGE_NAMES.map((name) => stageNamed(name, {}))

    for (const { runTimeout, attemptTimeout } of stages) {
      expect(runTimeout.toSeconds()).toBeGreaterThan(attemptTimeout.toSeconds())
    }
  })

  it('refuses an open API without an emulator', () => {
    const build = () => synthesize('production', { access: { mode: 'open' } })

    expect(build).toThrow(/access "open" is for an emulator/u)
  })

  it('refuses a regional API when jobs have no endpoint for a private one of their own', () => {
    const platform = { queues: { fargate: { arn: 'q' } }, executionRoleArn: 'r', stagerImage: 'i' }
    const build = () =>
      synthesize('production', { access: { mode: 'iam' }, jobs: { kind: 'external', platform } })

    expect(build).toThrow(/access "iam" with jobs that have no VPC endpoint/u)
  })
})
