import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { checkStatus, withRetry } from './api-client.ts'
import { packFolder } from './folders.ts'

/** Files moved at the same time; each holds one stream buffer. */
const PARALLEL = 4

/** Runs `work` on every item, a few at a time; the first failure ends it. */
export async function forEachInParallel<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = items.values()
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      for (const item of waiting) await work(item)
    }),
  )
}

/**
 * Streams a URL into a file and checks that all of it came.
 * @throws Error when it stays incomplete
 */
export function download(url: string, path: string, sizeBytes: number): Promise<void> {
  return withRetry(`downloading ${path}`, async () => {
    const response = await fetch(url)
    if (!response.ok) checkStatus(response.status, await response.text())
    if (response.body === null) throw new Error('empty answer')
    await pipeline(Readable.fromWeb(response.body as never), createWriteStream(path))
    const { size } = await stat(path)
    if (size !== sizeBytes) throw new Error(`${size} of ${sizeBytes} bytes came`)
  })
}

/** Streams a file to a presigned URL. S3 wants the length beforehand, which fetch does not send with a stream. */
export function uploadFile(path: string, sizeBytes: number, url: string): Promise<void> {
  return withRetry(`uploading ${path}`, () => putStream(url, sizeBytes, () => createReadStream(path)))
}

/** A folder goes up as the zip that {@link packFolder} makes of it. */
export function uploadFolder(folder: string, name: string, url: string): Promise<void> {
  return withRetry(`uploading ${folder}`, async () => {
    const { sizeBytes, stream } = await packFolder(folder, name)
    await putStream(url, sizeBytes, () => stream)
  })
}

/** The same for a text. */
export function uploadText(text: string, url: string): Promise<void> {
  const bytes = Buffer.from(text)
  return withRetry('uploading the listing', () =>
    putStream(url, bytes.byteLength, () => Readable.from([bytes])),
  )
}

async function putStream(url: string, sizeBytes: number, open: () => Readable): Promise<void> {
  const target = new URL(url)
  const send = target.protocol === 'https:' ? requestHttps : requestHttp
  const request = send(target, { method: 'PUT', headers: { 'content-length': String(sizeBytes) } })
  const answered = new Promise<{ status: number; text: string }>((resolve, reject) => {
    request.on('error', reject)
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 500, text: Buffer.concat(chunks).toString('utf8') }),
      )
    })
  })
  const [answer] = await Promise.all([answered, pipeline(open(), request)])
  checkStatus(answer.status, answer.text)
}
