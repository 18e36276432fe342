import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { KnownHosts } from '../../src/shared/foreign-requests.ts'
import { readAtMost } from '../../src/shared/read-all.ts'
import { refuseForeignPage } from '../foreign-pages.ts'
import { ClientException } from './client-exception.ts'
import { ServiceFailure } from './faults.ts'
import type { Operation } from './operations.ts'
import { METADATA_PATH, type TaskMetadata } from './task-metadata.ts'

/** Larger than any request that the API allows. */
const MAX_BODY_BYTES = 256 * 1024

/** HTTP server of the API: POST requests with JSON, errors as in the REST-JSON protocol; and GET requests of tasks' metadata. */
export function createBatchServer(
  operations: ReadonlyMap<string, Operation>,
  warn: (text: string) => void,
  { knownHosts = [], metadata }: { readonly knownHosts?: KnownHosts; readonly metadata?: TaskMetadata } = {},
): Server {
  return createServer((request, response) => {
    if (refuseForeignPage(request, response, { knownHosts })) return
    if (metadata !== undefined && request.method === 'GET' && request.url?.startsWith(METADATA_PATH)) {
      const { status, body } = metadata.answer(request.url)
      return send(response, status, body)
    }
    answer(request, operations).then(
      (body) => send(response, 200, body),
      (error: unknown) => {
        if (error instanceof ClientException)
          return send(response, 400, { message: error.message }, error.name)
        if (error instanceof ServiceFailure)
          return send(response, error.status, { message: error.message }, error.name)
        warn(`${request.method} ${request.url}: ${error instanceof Error ? error.stack : String(error)}`)
        send(response, 500, { message: 'internal error' }, 'ServerException')
      },
    )
  })
}

async function answer(request: IncomingMessage, operations: ReadonlyMap<string, Operation>): Promise<object> {
  const operation = request.method === 'POST' ? operations.get(request.url ?? '') : undefined
  if (operation === undefined) throw new ClientException(`no operation ${request.method} ${request.url} here`)
  const tooLarge = () => new ClientException('the request is too large')
  return operation(parse((await readAtMost(request, MAX_BODY_BYTES, tooLarge)).toString()))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ClientException('the request is not JSON', { cause: error })
  }
}

function send(response: ServerResponse, status: number, body: object, errorType?: string): void {
  response.statusCode = status
  response.setHeader('content-type', 'application/json')
  if (errorType !== undefined) response.setHeader('x-amzn-errortype', errorType)
  response.end(JSON.stringify(body))
}
