/*
 * Runs the example task once and prints its progress and result:
 *
 *   npm run example
 *   npm run example -- -a 20 -b 22 --text "hello"
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createProgress, formatSeconds } from '../src/shared/progress.ts'
import { AuthError, DEFAULT_AUTH, fetchWith } from './api-auth.ts'
import {
  createExampleClient,
  type ExampleClient,
  type ExampleInputs,
  ServiceError,
} from './example-client.ts'

const BUNDLE = join(import.meta.dirname, '../examples/add-and-echo/add-and-echo.zip')

const USAGE = `npm run example -- [options]
  -a NUMBER     first number (2)
  -b NUMBER     second number (3)
  --text TEXT   comes back unchanged ("Hello, App Engine")
  --url URL     base URL of the service (http://127.0.0.1:8080/app-engine/v1/, port from PORT)
  --auth iam    signs with AWS credentials, for the API of a stage with access "iam" (API_AUTH, or none)`

const progress = createProgress(process.stdout)

try {
  const { url, auth, inputs } = readOptions()
  const client = createExampleClient(url, await fetchWith(auth, url))
  process.exitCode = (await run(client, inputs)) ? 0 : 1
} catch (error) {
  const isExplained = error instanceof ServiceError || error instanceof AuthError || isUsageError(error)
  console.error(isExplained ? error.message : error)
  if (isUsageError(error)) console.error(USAGE)
  process.exitCode = 1
}

interface Options {
  readonly url: string
  readonly auth: string
  readonly inputs: ExampleInputs
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      a: { type: 'string', short: 'a', default: '2' },
      b: { type: 'string', short: 'b', default: '3' },
      text: { type: 'string', default: 'Hello, App Engine' },
      url: { type: 'string', default: `http://127.0.0.1:${process.env.PORT || 8080}/app-engine/v1/` },
      auth: { type: 'string', default: DEFAULT_AUTH },
    },
  })
  const url = values.url.endsWith('/') ? values.url : `${values.url}/`
  const { auth, a, b, text } = values
  return { url, auth, inputs: { a: Number(a), b: Number(b), text } }
}

/** @returns whether the run finished */
async function run(client: ExampleClient, inputs: ExampleInputs): Promise<boolean> {
  const isNew = await progress.step('upload the bundle', () => client.upload(BUNDLE))
  if (!isNew) progress.say('  the task is already installed')
  const runId = await progress.step('create a run', client.createRun)
  progress.say(`  ${runId}`)
  await progress.step(`provision ${JSON.stringify(inputs)}`, () => client.provision(runId, inputs))
  const startedAt = Date.now()
  await progress.step('start', () => client.start(runId))
  const failure = await client.follow(runId, (state) =>
    progress.say(`  ${formatSeconds(Date.now() - startedAt).padStart(7)}  ${state}`),
  )
  if (failure === undefined) {
    progress.say('outputs')
    for (const [name, value] of Object.entries(await client.outputs(runId))) {
      progress.say(`  ${name} = ${JSON.stringify(value)}`)
    }
  }
  progress.say('log of the task')
  for (const line of (await client.logs(runId)).trimEnd().split('\n')) progress.say(`  ${line}`)
  if (failure !== undefined) progress.say(`The run failed: ${failure}`)
  return failure === undefined
}

/** The message of parseArgs explains unknown options. */
function isUsageError(error: unknown): error is Error {
  return error instanceof Error && String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS')
}
