/* Replaces the API and S3 in bench/edge.ts. Reads and discards every body. `GET /received` returns the number of bytes. */
import { createServer, type IncomingMessage } from 'node:http'
import { LOOPBACK } from '../local/ports.ts'

const PART_BYTES = 16 * 1024 * 1024
const UPLOAD_ID = '00000000-0000-4000-8000-000000000000'

let received = 0

function drain(request: IncomingMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      received += chunk.length
    })
    request.once('end', resolve)
    request.once('error', reject)
  })
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  return JSON.parse((await request.setEncoding('utf8').toArray()).join(''))
}

async function answer(request: IncomingMessage): Promise<unknown> {
  const { url = '', headers } = request
  if (url === '/received') return received
  if (url.endsWith('/part-urls')) {
    const { first, last } = (await readJson(request)) as { readonly first: number; readonly last: number }
    const numbers = Array.from({ length: last - first + 1 }, (_, index) => first + index)
    const parts = numbers.map((partNumber) => ({
      partNumber,
      url: `http://${headers.host}/s3/${partNumber}`,
    }))
    return { parts }
  }
  if (url.includes('/uploads') || headers['content-type'] === 'application/json') {
    request.resume()
    return { id: UPLOAD_ID, partSizeBytes: PART_BYTES }
  }
  await drain(request)
  return {}
}

createServer(async (request, response) => {
  // The client reports an interrupted connection, and ends the measurement.
  const body = await answer(request).catch(() => undefined)
  response.end(JSON.stringify(body))
}).listen(Number(process.env.PORT), LOOPBACK, () => process.send?.('ready'))
process.on('disconnect', () => process.exit())
