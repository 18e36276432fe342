/*
 * Runs one Lambda function of LocalStack in its own process, which process_executor.py starts. Accepts invocations on INVOKE_PORT of the
 * loopback, one at a time, and answers like LocalStack's own runtime.
 */
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import * as z from 'zod'

type Handler = (event: unknown, context: object) => Promise<unknown>

const invocationSchema = z.object({
  'invoke-id': z.string(),
  'invoked-function-arn': z.string(),
  payload: z.string(),
})

const environment = z
  .object({
    _HANDLER: z.string(),
    LAMBDA_TASK_ROOT: z.string(),
    LOCALSTACK_RUNTIME_ENDPOINT: z.url(),
    LOCALSTACK_RUNTIME_ID: z.string(),
    INVOKE_PORT: z.coerce.number().int(),
    AWS_LAMBDA_FUNCTION_NAME: z.string(),
    AWS_LAMBDA_FUNCTION_TIMEOUT: z.coerce.number().default(30),
  })
  .parse(process.env)

async function post(path: string, body: unknown): Promise<void> {
  const answer = await fetch(`${environment.LOCALSTACK_RUNTIME_ENDPOINT}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body ?? null),
  })
  await answer.body?.cancel()
}

function loadHandler(): Handler {
  const [file = '', name = ''] = environment._HANDLER.split('.')
  const require = createRequire(join(environment.LAMBDA_TASK_ROOT, 'package.json'))
  return require(`./${file}`)[name]
}

async function invoke(handler: Handler, body: string): Promise<void> {
  const invocation = invocationSchema.parse(JSON.parse(body))
  const id = invocation['invoke-id']
  const deadline = Date.now() + environment.AWS_LAMBDA_FUNCTION_TIMEOUT * 1000
  const context = {
    awsRequestId: id,
    functionName: environment.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: '$LATEST',
    invokedFunctionArn: invocation['invoked-function-arn'],
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  }
  // LocalStack expects the log before the result. The real log is in FUNCTIONS_LOG.
  await post(`/invocations/${id}/logs`, { logs: '' })
  try {
    await post(`/invocations/${id}/response`, await handler(JSON.parse(invocation.payload), context))
  } catch (error) {
    console.error(error)
    await post(`/invocations/${id}/error`, describe(error))
  }
}

function describe(error: unknown): object {
  if (!(error instanceof Error)) return { errorType: 'Error', errorMessage: String(error), trace: [] }
  return { errorType: error.name, errorMessage: error.message, trace: error.stack?.split('\n') ?? [] }
}

const status = `/status/${environment.LOCALSTACK_RUNTIME_ID}`
try {
  const handler = loadHandler()
  const server = createServer(async (request, response) => {
    const body = await text(request)
    response.end()
    await invoke(handler, body)
  })
  server.listen(environment.INVOKE_PORT, '127.0.0.1', () => void post(`${status}/ready`, {}))
} catch (error) {
  console.error(error)
  await post(`${status}/error`, describe(error))
}
