import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { REGION } from '../../local/aws-environment.ts'
import { type Child, startOurs } from '../../local/child.ts'
import { installEmulator, startEmulator } from '../../local/emulator.ts'
import { findFreePort, LOOPBACK } from '../../local/ports.ts'
import { findPython } from '../../local/python-packages.ts'
import { callAsRoot, createRestApi, restApiUrl } from '../fixtures/rest-api.ts'

/*
 * The edge with the settings of an `iam` stage, in front of a REST API of an emulator. The emulator verifies signatures and policies by
 * its own implementation.
 */

const PROJECT = join(import.meta.dirname, '../..')
const USER_POLICY = (apiId: string): object => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: 'execute-api:Invoke',
      Resource: `arn:aws:execute-api:${REGION}:000000000000:${apiId}/api/*`,
    },
  ],
})

interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

let directory: string
let emulatorUrl: string
let apiUrl: string
let keys: Keys
const children: Child[] = []

/** Creates an API with one greedy route, IAM authorization and a mock integration. */
function createApi(): Promise<string> {
  return createRestApi(emulatorUrl, {
    authorizationType: 'AWS_IAM',
    integration: { type: 'MOCK', requestTemplates: { 'application/json': '{"statusCode": 200}' } },
    answers: { status: '200', templates: { 'application/json': '{}' } },
  })
}

/** Creates a user who may only call this API. */
async function createUser(apiId: string): Promise<Keys> {
  const act = (parameters: Record<string, string>): Promise<string> =>
    callAsRoot(emulatorUrl, {
      service: 'iam',
      method: 'POST',
      path: '/',
      body: new URLSearchParams({ Version: '2010-05-08', ...parameters }),
    })

  await act({ Action: 'CreateUser', UserName: 'edge' })
  const PolicyDocument = JSON.stringify(USER_POLICY(apiId))
  await act({ Action: 'PutUserPolicy', UserName: 'edge', PolicyName: 'invoke', PolicyDocument })
  const created = await act({ Action: 'CreateAccessKey', UserName: 'edge' })
  const [, accessKeyId = '', secretAccessKey = ''] =
    /<AccessKeyId>(.+?)<.*<SecretAccessKey>(.+?)</su.exec(created) ?? []
  return { accessKeyId, secretAccessKey }
}

/** Starts an edge with these settings. @returns its address */
async function startEdge(settings: Record<string, string>): Promise<string> {
  const port = await findFreePort()
  const own = { PATH: process.env.PATH, PORT: String(port), API_URL: apiUrl, AWS_REGION: REGION }
  const edge = await startOurs({
    command: [process.execPath, 'edge/main.ts'],
    environment: { ...own, AWS_EC2_METADATA_DISABLED: 'true', ...settings },
    directory: PROJECT,
    logFile: join(directory, 'edge.log'),
  })
  children.push(edge)
  return `http://${LOOPBACK}:${port}`
}

function signingWith({ accessKeyId, secretAccessKey }: Keys): Record<string, string> {
  return { API_AUTH: 'iam', AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'signing-'))
  const port = await findFreePort()
  emulatorUrl = `http://${LOOPBACK}:${port}`
  const python = await installEmulator(await findPython('The AWS emulator'), join(PROJECT, '.local', 'venv'))
  const environment = { PATH: process.env.PATH, AUTH: 'true' }
  const logFile = join(directory, 'emulator.log')
  children.push(
    await startEmulator({ python, port, environment, directory, stateDirectory: directory, logFile }),
  )
  const apiId = await createApi()
  apiUrl = restApiUrl(emulatorUrl, apiId)
  keys = await createUser(apiId)
})

afterAll(async () => {
  for (const child of children.reverse()) await child.stop()
  await rm(directory, { recursive: true, force: true })
})

it('an edge that signs can call an API with IAM authorization, with any path, query and body', async () => {
  const edge = await startEdge(signingWith(keys))

  const answers = await Promise.all([
    fetch(`${edge}/app-engine/v1/tasks`),
    fetch(`${edge}/app-engine/v1/task-runs/1/input/my%20parameter`),
    fetch(`${edge}/app-engine/v1/task-runs/1/input/a%23b%C3%BC(1)!`),
    fetch(`${edge}/app-engine/v1/tasks?b=x+y&a=%2F&c`),
    fetch(`${edge}/app-engine/v1/task-runs/1/input-provisions/a`, { method: 'PUT', body: '{"value":"ü"}' }),
    fetch(`${edge}/app-engine/v1/tasks/a/1.0.0`, { method: 'DELETE' }),
  ])

  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200])
})

it.each([
  ['does not sign', () => ({ API_AUTH: 'none' })],
  ['signs with a wrong secret', () => signingWith({ ...keys, secretAccessKey: 'wrong' })],
])('an edge that %s answers with 503 and an error body of the contract', async (_, settings) => {
  const edge = await startEdge(settings())

  const answer = await fetch(`${edge}/app-engine/v1/tasks`)

  expect(answer.status).toBe(503)
  expect(await answer.json()).toMatchObject({ errorCode: 'APPE-internal-server-error', details: {} })
})

it('an edge without credentials does not start', async () => {
  const start = startEdge({ API_AUTH: 'iam', HOME: directory })

  await expect(start).rejects.toThrow(/cannot sign requests: .*credentials/u)
})
