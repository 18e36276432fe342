import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Template } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { idOf } from '../../lib/constructs/function.ts'
import { FUNCTIONS } from '../../lib/functions/index.ts'
import { VARIABLES } from '../../src/contract/environment.ts'
import { environmentOf, synthesize } from './synthesis.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const service = Template.fromStack(synthesize('production').stacks.service)
const local = Template.fromStack(synthesize('local').stacks.service)

/** Environment variables whose names the function passes to `readEnvironment`. */
function variablesReadBy(name: string): string[] {
  const source = readFileSync(join(ROOT, 'lambdas', name, 'index.ts'), 'utf8')
  const [call, ...others] = [...source.matchAll(/\breadEnvironment\(\[([^\]]*)\]/gu)]
  if (call === undefined || others.length > 0)
    throw new Error(`${name} must call readEnvironment exactly once, with a list`)
  return [...(call[1] ?? '').matchAll(/'(\w+)'/gu)].map(
    ([, key = '']) => VARIABLES[key as keyof typeof VARIABLES],
  )
}

describe('functions', () => {
  it('include all folders of lambdas that have an index.ts', () => {
    const folders = globSync('lambdas/*/index.ts', { cwd: ROOT }).map((file) => file.split('/')[1])

    expect(FUNCTIONS.map(({ name }) => name).sort()).toEqual(folders.sort())
    service.resourceCountIs('AWS::Lambda::Function', FUNCTIONS.length)
  })

  it.each(FUNCTIONS)('define exactly the variables that $name reads', (definition) => {
    const { name } = definition

    expect(Object.keys(environmentOf(service, idOf(definition))).sort()).toEqual(variablesReadBy(name).sort())
  })

  it.each(FUNCTIONS)(
    'add the addresses of the emulator to the variables of $name in the local stage',
    (definition) => {
      const environment = environmentOf(local, idOf(definition))
      const added = Object.keys(environment).filter((name) => /^AWS_|^S3_URL_/u.test(name))

      expect(environment.AWS_ENDPOINT_URL).toBe('http://127.0.0.1:4566')
      expect(added).toHaveLength(5)
      expect(Object.keys(environment).sort()).toEqual([...variablesReadBy(definition.name), ...added].sort())
    },
  )

  it.each(FUNCTIONS)('have an output for the name of $name', (definition) => {
    service.hasOutput(`${idOf(definition)}FunctionName`, {})
  })
})
