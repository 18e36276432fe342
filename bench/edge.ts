/*
 * Measures the edge with one large body, sent like core (in chunks of 8 KiB, without a length):
 *
 *   npm run bench:edge [-- <gigabytes> [<rounds>]]
 *
 * The edge, a sink that replaces the API and S3, and the sender are separate processes. The baseline is the same body on a path on which
 * the edge passes it on unchanged. Memory is read from /proc, so this runs on Linux only. Exits with 1 when a target is missed.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { findFreePort, LOOPBACK } from '../local/ports.ts'
import { memoryMb, startProgram } from './program.ts'

const FILE_BYTES = Number(process.argv[2] ?? 5) * 1e9
const ROUNDS = Number(process.argv[3] ?? 1)

/** Chunk size of core's HTTP client. */
const CHUNK_BYTES = 8192
/** Number of chunks in one write of the sender: many, so that it needs little processor time. */
const CHUNKS_AT_ONCE = 64

/**
 * Maximum memory for the buffers of one request. Measured as the difference to the peak of the baseline, which has the same amount of
 * garbage but no buffers.
 */
const MEMORY_TARGET_MB = 64

interface Measurement {
  readonly megabytesPerSecond: number
  /** Memory of the edge's process before the request. */
  readonly idleMb: number
  readonly peakMb: number
}

function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
}

async function write(socket: Socket, bytes: Buffer | string): Promise<void> {
  if (!socket.write(bytes)) await once(socket, 'drain')
}

/** Sends a form with one file. @returns the status line of the response */
async function send(port: number, path: string): Promise<string> {
  const socket = connect(port, LOOPBACK)
  const answered = once(socket, 'data')
  const boundary = randomBytes(16).toString('hex')
  const block = Buffer.concat(Array.from({ length: CHUNKS_AT_ONCE }, () => chunk(randomBytes(CHUNK_BYTES))))
  const type = `multipart/form-data; boundary=${boundary}`
  const disposition = 'Content-Disposition: form-data; name="task"; filename="1b3c.tmp"'
  await write(
    socket,
    `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`,
  )
  await write(socket, chunk(Buffer.from(`--${boundary}\r\n${disposition}\r\n\r\n`)))
  for (let sent = 0; sent < FILE_BYTES; sent += CHUNK_BYTES * CHUNKS_AT_ONCE) await write(socket, block)
  await write(socket, Buffer.concat([chunk(Buffer.from(`\r\n--${boundary}--\r\n`)), chunk(Buffer.alloc(0))]))
  const [answer] = (await answered) as [Buffer]
  socket.destroy()
  return answer.toString().split('\r\n', 1).join()
}

/** Sends one body through a new edge process. */
async function measure(path: string): Promise<Measurement> {
  const [edgePort, sinkPort] = [await findFreePort(), await findFreePort()]
  const sinkUrl = `http://${LOOPBACK}:${sinkPort}`
  await using _sink = await startProgram('bench/edge-sink.ts', { PORT: String(sinkPort) })
  await using edge = await startProgram('edge/main.ts', { PORT: String(edgePort), API_URL: sinkUrl })
  const idleMb = await memoryMb(edge, 'VmRSS')
  const begin = performance.now()
  const status = await send(edgePort, path)
  const seconds = (performance.now() - begin) / 1000
  const received = Number(await (await fetch(`${sinkUrl}/received`)).text())
  if (!status.includes(' 200 ') || received < FILE_BYTES)
    throw new Error(`${status}, ${received} bytes arrived`)
  const peakMb = await memoryMb(edge, 'VmHWM')
  return { megabytesPerSecond: received / 1e6 / seconds, idleMb, peakMb }
}

function print(name: string, { megabytesPerSecond, idleMb, peakMb }: Measurement): void {
  const rate = `${megabytesPerSecond.toFixed(0)} MB/s`.padEnd(12)
  console.log(`${name.padEnd(20)} ${rate} edge: idle ${idleMb.toFixed(0)} MB, peak ${peakMb.toFixed(0)} MB`)
}

console.log(`${FILE_BYTES / 1e9} GB in chunks of ${CHUNK_BYTES / 1024} KiB`)
for (let round = 0; round < ROUNDS; round += 1) {
  const passedOn = await measure('/app-engine/v1/anything')
  print('passed on', passedOn)
  const uploaded = await measure('/app-engine/v1/tasks')
  print('uploaded in parts', uploaded)
  const ratio = uploaded.megabytesPerSecond / passedOn.megabytesPerSecond
  console.log(`rate uploaded / passed on: ${ratio.toFixed(2)}`)
  const buffersMb = uploaded.peakMb - passedOn.peakMb
  const isReached = buffersMb < MEMORY_TARGET_MB
  console.log(
    `buffers: ${buffersMb.toFixed(0)} MB, target < ${MEMORY_TARGET_MB} MB, ${isReached ? 'reached' : 'MISSED'}`,
  )
  if (!isReached) process.exitCode = 1
}
