import { Template } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { synthesize } from './synthesis.ts'

/** A template without the hashes of assets and API deployments, which change with every line of code. */
function normalized(template: Template): unknown {
  const text = JSON.stringify(template.toJSON())
    .replaceAll(/[0-9a-f]{64}/gu, 'ASSET')
    .replaceAll(/(Deployment[0-9A-F]{8})[0-9a-f]{32}/gu, '$1HASH')
  return JSON.parse(text)
}

describe('templates of production', () => {
  const { storage, compute, service } = synthesize('production').stacks

  it.each(Object.entries({ storage, compute, service }))('are unchanged for the %s stack', (_name, stack) => {
    expect(stack === undefined ? undefined : normalized(Template.fromStack(stack))).toMatchSnapshot()
  })
})
