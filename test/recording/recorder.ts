import { randomUUID } from 'node:crypto'
import { subscribe } from 'node:diagnostics_channel'
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { VARIABLES } from '../../src/contract/environment.ts'
import type { Caller, NeededPermission, SentRequest } from './needed-permission.ts'
import { neededForNotFound, neededPermissions, needsBody } from './needed-permissions.ts'
import type { RecordHead } from './recording.ts'

/*
 * Records the permissions that each process uses. Observes Node's diagnostics channel of requests, so that
 * the code under test is unchanged (https://nodejs.org/api/diagnostics_channel.html#built-in-channels). A
 * function is identified by the name that Lambda gives it.
 */

/** Account of the emulator. */
const ACCOUNT = '000000000000'

/** Records until the process ends. */
export function recordCalls(directory: string): void {
  const { AWS_LAMBDA_FUNCTION_NAME: functionName, AWS_REGION: region = 'us-east-1' } = process.env
  const variables = Object.fromEntries(
    Object.values(VARIABLES).flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
  const note = noteInto(directory, { variables, ...(functionName ? { functionName } : {}) })
  const stateMachineArn = variables[VARIABLES.stateMachineArn]
  const installation = variables[VARIABLES.installation]
  const caller: Caller = {
    region,
    account: ACCOUNT,
    ...(stateMachineArn ? { stateMachineArn } : {}),
    ...(installation ? { installation } : {}),
  }
  const isOfInterest = ({ url }: { readonly url: URL }) =>
    functionName !== undefined || url.searchParams.has('X-Amz-Signature')

  subscribe('http.client.request.created', (message) => {
    const { request } = message as { readonly request: ClientRequest }
    const sent = readHead(request)
    if (!isOfInterest(sent)) return
    if (needsBody(sent)) onceSent(request, (body) => note(neededPermissions({ ...sent, body }, caller)))
    else note(neededPermissions(sent, caller))
  })
  subscribe('http.client.response.finish', (message) => {
    const { request, response } = message as {
      readonly request: ClientRequest
      readonly response: IncomingMessage
    }
    const sent = readHead(request)
    if (response.statusCode === 404 && functionName !== undefined) note(neededForNotFound(sent))
  })
  // `fetch` is used only for presigned URLs, which need no signature.
  subscribe('undici:request:create', (message) => {
    const { request } = message as {
      readonly request: { readonly origin: string; readonly method: string; readonly path: string }
    }
    const url = new URL(request.path, request.origin)
    if (!url.searchParams.has('X-Amz-Signature')) return
    note(neededPermissions({ method: request.method, url, headers: {} }, caller))
  })
}

/** A file for this process, created with its first permission; each permission is recorded once. */
function noteInto(directory: string, head: RecordHead) {
  const file = join(directory, `${randomUUID()}.jsonl`)
  const noted = new Set<string>()
  return (needed: readonly NeededPermission[]): void => {
    for (const line of needed.map((permission) => JSON.stringify(permission))) {
      if (noted.has(line)) continue
      if (noted.size === 0) {
        mkdirSync(directory, { recursive: true })
        writeFileSync(file, `${JSON.stringify(head)}\n`)
      }
      noted.add(line)
      // Written synchronously, because functions may be killed.
      appendFileSync(file, `${line}\n`)
    }
  }
}

function readHead(request: ClientRequest): SentRequest {
  const headers = Object.entries(request.getHeaders()).map(([name, value]) => [
    name.toLowerCase(),
    String(value),
  ])
  return {
    method: request.method,
    url: new URL(request.path, `${request.protocol}//${request.host}`),
    headers: Object.fromEntries(headers),
  }
}

/** Calls back with the whole body when its last piece is written. */
function onceSent(request: ClientRequest, callback: (body: string) => void): void {
  const pieces: Uint8Array[] = []
  const keep = (piece: unknown) => {
    if (typeof piece === 'string') pieces.push(Buffer.from(piece))
    else if (piece instanceof Uint8Array) pieces.push(Buffer.from(piece))
  }
  const { write, end } = request
  request.write = (...words: unknown[]) => {
    keep(words[0])
    return Reflect.apply(write, request, words)
  }
  request.end = (...words: unknown[]) => {
    keep(words[0])
    const ended = Reflect.apply(end, request, words)
    callback(Buffer.concat(pieces).toString())
    return ended
  }
}
