import { Template } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { type DeployEnvironment, emulatorOf } from '../../lib/emulator.ts'
import { buildEngine } from '../../lib/engine.ts'
import { stageNamed } from '../../lib/stages.ts'
import { anApp, resourcesOf, spell } from './synthesis.ts'

const HOSTS = { CLIENT_ADDRESS: 'clients', FUNCTION_ADDRESS: 'functions', JOB_ADDRESS: 'jobs' }
const URLS = {
  AWS_ENDPOINT_URL: 'http://127.0.0.1:1/',
  AWS_ENDPOINT_URL_BATCH: 'http://127.0.0.1:2',
  OBJECT_STORE_URL: 'http://127.0.0.1:3',
  REGISTRY_URL: 'http://127.0.0.1:4',
}

describe('the emulator of the local stage', () => {
  it('is on this machine by default, for functions, clients and jobs', () => {
    const addresses = { endpoint: 'http://127.0.0.1:4566', s3Endpoint: 'http://127.0.0.1:4566' }

    expect(emulatorOf({})).toEqual({
      functions: {
        ...addresses,
        batchEndpoint: 'http://127.0.0.1:4566',
        registryUrl: 'http://127.0.0.1:4566',
      },
      clients: addresses,
      jobs: addresses,
      architecture: 'arm64',
    })
  })

  it('has the addresses of the environment variables', () => {
    const addresses = { endpoint: 'http://127.0.0.1:1', s3Endpoint: 'http://127.0.0.1:3' }

    expect(emulatorOf(URLS)).toMatchObject({
      functions: { ...addresses, batchEndpoint: 'http://127.0.0.1:2', registryUrl: 'http://127.0.0.1:4' },
      clients: addresses,
      jobs: addresses,
    })
  })

  it('can have different hosts for functions, clients and jobs, with the same ports', () => {
    expect(emulatorOf({ ...URLS, ...HOSTS })).toMatchObject({
      functions: {
        endpoint: 'http://functions:1',
        s3Endpoint: 'http://functions:3',
        batchEndpoint: 'http://functions:2',
        registryUrl: 'http://functions:4',
      },
      clients: { endpoint: 'http://clients:1', s3Endpoint: 'http://clients:3' },
      jobs: { endpoint: 'http://jobs:1', s3Endpoint: 'http://jobs:3' },
    })
  })

  it('treats an empty variable as absent', () => {
    expect(emulatorOf({ JOB_ADDRESS: '', FUNCTION_ARCHITECTURE: '' })).toEqual(emulatorOf({}))
  })

  it.each([
    ['JOB_ADDRESS', 'http://jobs:80', 'expected a host name'],
    ['CLIENT_ADDRESS', 'clients:80', 'expected a host name'],
    ['FUNCTION_ADDRESS', '-', 'expected a host name'],
    ['FUNCTION_ARCHITECTURE', 'amd64', 'expected arm64 or x86_64'],
  ])('cannot have the %s "%s", which is refused in one sentence', (name, value, expected) => {
    const read = () => emulatorOf({ [name]: value })

    expect(read).toThrow(new RegExp(`^${name} is "${value}": ${expected}[^\n]*\\.$`, 'u'))
  })

  it('cannot have an address that is not a URL', () => {
    expect(() => emulatorOf({ REGISTRY_URL: 'nowhere' })).toThrow(/REGISTRY_URL must be a URL.*"nowhere"/u)
  })
})

describe('the stack of the local stage', () => {
  const build = (environment: DeployEnvironment) => {
    const { service } = buildEngine(anApp(), stageNamed('local', environment))
    const template = Template.fromStack(service)
    const functions = resourcesOf(template, 'AWS::Lambda::Function').map(([id, { Properties }]) => ({
      id,
      architectures: Properties.Architectures,
      variables: (Properties.Environment as { Variables: Record<string, unknown> }).Variables,
    }))
    const variablesOf = (name: string) => functions.find(({ id }) => id.startsWith(name))?.variables ?? {}
    return { template, functions, variablesOf }
  }

  it('uses separate addresses for functions, clients and jobs', () => {
    const { template, variablesOf } = build({ ...URLS, ...HOSTS })

    expect(variablesOf('Api')).toMatchObject({
      AWS_ENDPOINT_URL: 'http://functions:1',
      AWS_ENDPOINT_URL_BATCH: 'http://functions:2',
      AWS_ENDPOINT_URL_S3: 'http://functions:3',
      REGISTRY_URL: 'http://functions:4',
      S3_URL_FOR_CLIENTS: 'http://clients:3',
      S3_URL_FOR_JOBS: 'http://jobs:3',
      KNOWN_HOSTS: 'clients,functions,jobs',
    })
    expect(spell(variablesOf('SubmitJob').STAGER_API_URL)).toMatch(/^http:\/\/jobs:1\//u)
    expect(spell(template.toJSON().Outputs.ApiUrl.Value)).toMatch(/^http:\/\/clients:1\//u)
  })

  it('builds all functions for the configured processor', () => {
    const { functions } = build({ FUNCTION_ARCHITECTURE: 'x86_64' })

    expect(functions.map(({ architectures }) => architectures)).toEqual(functions.map(() => ['x86_64']))
    expect(functions.length).toBeGreaterThan(5)
  })
})
