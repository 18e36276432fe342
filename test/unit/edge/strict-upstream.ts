import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A request as a strict parser of RFC 9112 reads it from a connection. */
export interface StrictRequest {
  readonly method: string
  readonly path: string
  readonly headers: ReadonlyMap<string, readonly string[]>
  readonly body: string
}

export interface StrictUpstream {
  readonly port: number
  /** Requests of each connection, in the order of their arrival. */
  readonly connections: StrictRequest[][]
  /** Bytes that no strict parser accepts. */
  readonly violations: string[]
  requests(): StrictRequest[]
}

const HEAD_END = '\r\n\r\n'
const REQUEST_LINE = /^([A-Z-]+) (\/\S*) HTTP\/1\.1$/u
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*?)[ \t]*$/u

/** A strict upstream: all bytes of a connection belong to well-formed requests, or are a violation. */
export async function aStrictUpstream(): Promise<StrictUpstream> {
  const connections: StrictRequest[][] = []
  const violations: string[] = []
  const server = createServer((socket) => {
    const seen: StrictRequest[] = []
    connections.push(seen)
    serve(socket, seen, violations)
  }).listen(0, '127.0.0.1')
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    violations,
    requests: () => connections.flat(),
  }
}

function serve(socket: Socket, seen: StrictRequest[], violations: string[]): void {
  let buffered = ''
  socket.setEncoding('latin1').on('error', () => undefined)
  socket.on('data', (chunk: string) => {
    buffered += chunk
    try {
      for (let parsed = parse(buffered); parsed !== undefined; parsed = parse(buffered)) {
        buffered = buffered.slice(parsed.length)
        seen.push(parsed.request)
        answer(socket, parsed.request)
      }
    } catch (error) {
      violations.push(`${String(error)} in ${JSON.stringify(buffered.slice(0, 200))}`)
      socket.destroy()
    }
  })
}

function answer(socket: Socket, { method, path }: StrictRequest): void {
  const body = JSON.stringify({ path })
  const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
  socket.write(method === 'HEAD' ? head : head + body)
}

/**
 * Parses the first request.
 * @returns undefined while it is incomplete
 * @throws Error unless it is well-formed
 */
function parse(text: string): { readonly request: StrictRequest; readonly length: number } | undefined {
  const headEnd = text.indexOf(HEAD_END)
  if (headEnd === -1) return undefined
  const [line = '', ...fields] = text.slice(0, headEnd).split('\r\n')
  const [, method, path] = REQUEST_LINE.exec(line) ?? []
  if (method === undefined || path === undefined) throw new Error('no request line')
  const headers = new Map<string, string[]>()
  for (const field of fields) {
    const [, name, value] = HEADER.exec(field) ?? []
    if (name === undefined || value === undefined) throw new Error(`no header: ${field}`)
    headers.set(name.toLowerCase(), [...(headers.get(name.toLowerCase()) ?? []), value])
  }
  const start = headEnd + HEAD_END.length
  const framed = bodyOf(text, start, headers)
  return framed && { request: { method, path, headers, body: framed.body }, length: framed.end }
}

function bodyOf(text: string, start: number, headers: ReadonlyMap<string, readonly string[]>) {
  const lengths = headers.get('content-length')
  const codings = headers.get('transfer-encoding')
  if (lengths !== undefined && codings !== undefined) throw new Error('two framings')
  if (codings !== undefined) {
    if (codings.join() !== 'chunked') throw new Error(`transfer-encoding ${codings.join()}`)
    return chunkedBody(text, start)
  }
  const length = lengths?.length === 1 ? Number(lengths[0]) : lengths === undefined ? 0 : Number.NaN
  if (!Number.isSafeInteger(length)) throw new Error(`content-length ${lengths?.join()}`)
  const end = start + length
  return text.length < end ? undefined : { body: text.slice(start, end), end }
}

function chunkedBody(text: string, start: number): { body: string; end: number } | undefined {
  let body = ''
  for (let at = start; ; ) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const size = text.slice(at, lineEnd)
    if (!/^[0-9a-f]+$/iu.test(size)) throw new Error(`chunk size ${size}`)
    const from = lineEnd + 2
    const to = from + Number.parseInt(size, 16)
    if (text.length < to + 2) return undefined
    if (text.slice(to, to + 2) !== '\r\n') throw new Error('chunk without end')
    if (to === from) return { body, end: to + 2 }
    body += text.slice(from, to)
    at = to + 2
  }
}

/** Sends bytes unchanged, and resolves with the response when the connection ends or the expected response has arrived. */
export async function sendRaw(
  port: number,
  bytes: string,
  isDone: (answered: string) => boolean,
): Promise<string> {
  const socket: Socket = connect(port, '127.0.0.1').setEncoding('latin1')
  let answered = ''
  const ended = Promise.withResolvers<void>()
  socket.on('error', () => ended.resolve()).on('close', () => ended.resolve())
  socket.on('data', (chunk: string) => {
    answered += chunk
    if (isDone(answered)) ended.resolve()
  })
  socket.write(bytes, 'latin1')
  await ended.promise
  socket.destroy()
  return answered
}
