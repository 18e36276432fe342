/*
 * Measures the speed of reading zip entries for each compression method, in MB of content per second of processor time of all threads,
 * which depends little on other load. Each speed is also shown as a ratio to that of deflate, which zlib decodes:
 *
 *   npm run bench:decoders
 *
 * The content is the compiled JavaScript of this project's packages, packed by 7-Zip (`7zz` on the path).
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../local/clean-up.ts'
import { openZip } from '../src/archive/zip/read-zip.ts'
import { bufferSource } from '../src/shared/byte-source.ts'

const CONTENT_BYTES = 16 * 1024 ** 2
const ROUNDS = 3
const METHODS = ['Deflate', 'Deflate64', 'BZip2'] as const

function aContent(): Buffer {
  const folder = join(import.meta.dirname, '../node_modules')
  const texts: Buffer[] = []
  let sizeBytes = 0
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (sizeBytes >= CONTENT_BYTES) break
    if (!name.endsWith('.js')) continue
    const text = readFileSync(join(folder, name))
    texts.push(text)
    sizeBytes += text.length
  }
  return Buffer.concat(texts).subarray(0, CONTENT_BYTES)
}

/** MB per second of processor time; the best of several rounds. */
async function speedOf(bytes: Buffer): Promise<number> {
  let best = 0
  for (let round = 0; round < ROUNDS; round += 1) {
    const zip = await openZip(bufferSource(bytes))
    const [entry] = zip.entries
    if (entry === undefined) throw new Error('the archive is empty')
    const start = process.cpuUsage()
    let sizeBytes = 0
    for await (const piece of zip.read(entry)) sizeBytes += piece.length
    const { user, system } = process.cpuUsage(start)
    best = Math.max(best, sizeBytes / (user + system))
  }
  return best
}

await using folder = await temporaryFolder('bench-decoders-')
const file = join(folder.path, 'content')
writeFileSync(file, aContent())
let base: number | undefined
for (const method of METHODS) {
  const archive = join(folder.path, `${method}.zip`)
  execFileSync('7zz', ['a', '-tzip', `-mm=${method}`, archive, file], { stdio: 'ignore' })
  const speed = await speedOf(readFileSync(archive))
  base ??= speed
  console.log(
    `${method.padEnd(10)} ${speed.toFixed(0).padStart(5)} MB/s  ${(speed / base).toFixed(2)} of deflate`,
  )
}
