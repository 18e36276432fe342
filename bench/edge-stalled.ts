/*
 * Measures the duration of normal uploads while 2 000 other clients stall, and the memory of the edge:
 *
 *   npm run bench:edge-stalled [-- <stalled clients> [<megabytes of an upload>]]
 *
 * There are four kinds of stalled clients, which send: a few bytes of an announced body of 15 GB; 100 KB of a chunked body; 3.9 MB of a
 * chunked body; one byte every half second. All have the address of the normal client, which is harder for the edge. They reconnect when
 * the edge closes their connection. Memory is read from /proc, so this runs on Linux only. Exits with 1 when a target is missed.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { findFreePort, LOOPBACK } from '../local/ports.ts'
import { memoryMb, startProgram } from './program.ts'

const STALLED = Number(process.argv[2] ?? 2000)
const UPLOAD_BYTES = Number(process.argv[3] ?? 500) * 1e6
const ROUNDS = 5
const UPLOADS_AT_ONCE = 12

const RATIO_TARGET = 2
/** For the idle process, connections and bodies read ahead (320 MB), and for the uploads: see docs/deployment.md. */
const MEMORY_TARGET_MB = 320 + 64 * UPLOADS_AT_ONCE

const BOUNDARY = 'bench'
const HEAD = `Host: localhost\r\nContent-Type: multipart/form-data; boundary=${BOUNDARY}\r\n`
const PART = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="task"; filename="1b3c.tmp"\r\n\r\n`
const END = `\r\n--${BOUNDARY}--\r\n`
const PIECE = Buffer.alloc(64 * 1024, 1)

function chunked(size: number): Buffer {
  const body = Buffer.concat([Buffer.from(PART), Buffer.alloc(size, 1)])
  return Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')])
}

const POST = 'POST /app-engine/v1/tasks HTTP/1.1\r\n'
const CHUNKED = Buffer.from(`${POST}${HEAD}Transfer-Encoding: chunked\r\n\r\n`)
const BEGINNINGS: readonly Buffer[] = [
  Buffer.from(`${POST}${HEAD}Content-Length: 15000000000\r\n\r\n${PART}`),
  Buffer.concat([CHUNKED, chunked(100_000)]),
  Buffer.concat([CHUNKED, chunked(3_900_000)]),
  Buffer.from(`${POST}${HEAD}Content-Length: 3000000\r\n\r\n`),
]

/** Keeps one stalled client connected until the signal is aborted. */
async function stall(port: number, kind: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const socket: Socket = connect(port, LOOPBACK)
    socket.on('error', () => undefined).resume()
    socket.write(BEGINNINGS[kind] ?? '')
    const dripping = kind === 3 ? setInterval(() => socket.write('x'), 500) : undefined
    const end = (): void => void socket.destroy()
    signal.addEventListener('abort', end, { once: true })
    await new Promise((resolve) => socket.once('close', resolve))
    clearInterval(dripping)
    signal.removeEventListener('abort', end)
    // Reconnects after a pause, because this bench does not measure floods of connections.
    await pause(30_000, undefined, { signal }).catch(() => undefined)
  }
}

/** Sends one normal upload like core. @returns its duration in seconds */
async function upload(port: number): Promise<number> {
  const begin = performance.now()
  const socket = connect(port, LOOPBACK)
  const answered = once(socket, 'data')
  const write = async (bytes: Buffer | string): Promise<void> => {
    if (!socket.write(bytes)) await once(socket, 'drain')
  }
  const length = PART.length + Math.ceil(UPLOAD_BYTES / PIECE.length) * PIECE.length + END.length
  await write(CHUNKED)
  await write(`${length.toString(16)}\r\n${PART}`)
  for (let sent = 0; sent < UPLOAD_BYTES; sent += PIECE.length) await write(PIECE)
  await write(`${END}\r\n0\r\n\r\n`)
  const [answer] = (await answered) as [Buffer]
  socket.destroy()
  const [line = ''] = answer.toString().split('\r\n', 1)
  if (!line.includes(' 200 ')) throw new Error(`a normal upload was answered: ${line}`)
  return (performance.now() - begin) / 1000
}

async function medianUpload(port: number): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) times.push(await upload(port))
  return times.toSorted((one, other) => one - other)[Math.floor(ROUNDS / 2)] ?? Number.NaN
}

const [edgePort, sinkPort] = [await findFreePort(), await findFreePort()]
await using _sink = await startProgram('bench/edge-sink.ts', { PORT: String(sinkPort) })
await using edge = await startProgram('edge/main.ts', {
  PORT: String(edgePort),
  API_URL: `http://${LOOPBACK}:${sinkPort}`,
  UPLOADS_AT_ONCE: String(UPLOADS_AT_ONCE),
})
const controller = new AbortController()
try {
  const idleMb = await memoryMb(edge, 'VmRSS')
  await upload(edgePort)
  const alone = await medianUpload(edgePort)
  const { signal } = controller
  const stalled = Array.from({ length: STALLED }, (_, at) => stall(edgePort, at % BEGINNINGS.length, signal))
  // Gives the stalled clients time to occupy as much as they can.
  await pause(20_000)
  const among = await medianUpload(edgePort)
  const peakMb = await memoryMb(edge, 'VmHWM')
  controller.abort()
  await Promise.all(stalled)

  const ratio = among / alone
  const isMet = ratio <= RATIO_TARGET && peakMb <= MEMORY_TARGET_MB
  console.log(
    `upload of ${UPLOAD_BYTES / 1e6} MB: alone ${alone.toFixed(2)} s, among ${STALLED} stalled clients ${among.toFixed(2)} s`,
  )
  console.log(`ratio: ${ratio.toFixed(2)}, target <= ${RATIO_TARGET}`)
  console.log(
    `memory: idle ${idleMb.toFixed(0)} MB, peak ${peakMb.toFixed(0)} MB, target <= ${MEMORY_TARGET_MB} MB`,
  )
  console.log(isMet ? 'reached' : 'MISSED')
  if (!isMet) process.exitCode = 1
} finally {
  controller.abort()
}
