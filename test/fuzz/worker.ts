import { readFile } from 'node:fs/promises'
import { deserialize } from 'node:v8'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { uploadKey } from '../../src/contract/storage-keys.ts'
import { collectBuffers } from '../../src/shared/collect-buffers.ts'
import { digestOf } from '../fixtures/bundle-builder.ts'
import { type ImportResult, importBytes } from '../fixtures/import-bytes.ts'
import { anImporter, type Importer } from '../fixtures/memory-importer.ts'
import { makeCase } from './cases.ts'
import type { ThinCase } from './thin-cases.ts'

/*
 * Imports mutated bundles in a separate process, whose parent detects hangs, crashes and excessive memory. Arguments: the seed of the
 * first case, the number of cases, a file with the large layers.
 */

/** Message to the parent: the current case, a failure or the end. */
export type FuzzMessage =
  | { readonly kind: 'case'; readonly seed: number }
  | { readonly kind: 'failure'; readonly seed: number; readonly words: string }
  | {
      readonly kind: 'end'
      readonly installed: number
      readonly refused: Readonly<Record<string, number>>
      readonly peakBytes: number
      readonly slowestMs: number
    }

const [firstSeed = 0, count = 0] = process.argv.slice(2, 4).map(Number)
const [large] = deserialize(await readFile(process.argv[4] ?? '')) as [Parameters<typeof makeCase>[1]]

collectBuffers()
const tell = (message: FuzzMessage): boolean => process.send?.(message) ?? false

let installed = 0
const refused: Record<string, number> = {}
let slowestMs = 0

for (let index = 0; index < count; index += 1) {
  const seed = firstSeed + index
  tell({ kind: 'case', seed })
  const { kind, bundle, thin } = await makeCase(seed, large)
  const start = performance.now()
  try {
    const problem = thin === undefined ? await check(bundle, kind) : await checkThin(thin)
    if (problem !== undefined) tell({ kind: 'failure', seed, words: `${kind}: ${problem}` })
  } catch (error) {
    tell({ kind: 'failure', seed, words: `${kind}: ${error instanceof Error ? error.stack : error}` })
  }
  slowestMs = Math.max(slowestMs, performance.now() - start)
}
tell({ kind: 'end', installed, refused, peakBytes: process.resourceUsage().maxRSS * 1024, slowestMs })
process.disconnect?.()

/** Imports a bundle. @returns what is wrong with its import or refusal */
async function check(bundle: Buffer, kind: string): Promise<string | undefined> {
  const importer = anImporter()
  const result = await importBytes(bundle, importer)
  if ('task' in result) {
    installed += 1
    // The content of a large bundle is not read: it would exceed the memory, and the importer has verified it.
    return kind === 'large' ? undefined : imageProblem(importer, result.task.image)
  }
  const problem = refusalProblem(result, kind)
  if (problem !== undefined) return problem
  const left = [...importer.registry.images(), ...importer.objects.keys(), ...(await importer.tasks.list())]
  return left.length === 0 ? undefined : `refused, but left ${JSON.stringify(left)}`
}

function refusalProblem(
  result: Extract<ImportResult, { refusal: unknown }>,
  kind: string,
): string | undefined {
  refused[kind] = (refused[kind] ?? 0) + 1
  const { status } = result.refusal
  if (status < 400 || status >= 500) return `refused with ${status}`
  return result.words.trim() === '' ? 'refused without a message' : undefined
}

/** Imports a bundle that lacks layers. If it is refused, the earlier task must be unchanged. @returns what is wrong */
async function checkThin({ before, bundle, namedLayers, isLost }: ThinCase): Promise<string | undefined> {
  const importer = anImporter()
  const { registry, uploads } = importer
  const first = await importBytes(before, importer, 'before')
  if ('refusal' in first) return `the earlier bundle was refused: ${first.words}`
  const { repository, digest } = first.task.image
  const { layers } = JSON.parse(String(registry.manifest(repository, digest)))
  const lost = (layers as { digest: string }[]).filter((layer) => isLost(layer.digest))
  for (const layer of lost) registry.lose(repository, layer.digest)
  const createdAt = importer.identity.now().toISOString()
  const upload = { id: 'thin', key: uploadKey('thin'), purpose: 'task', state: 'CREATED' } as const
  await uploads.create({ ...upload, taskId: importer.identity.uuid(), createdAt, namedLayers })

  const result = await importBytes(bundle, importer, 'thin')

  if ('task' in result) {
    installed += 1
    return imageProblem(importer, result.task.image)
  }
  const problem = refusalProblem(result, 'thin')
  if (problem !== undefined) return problem
  const isLeft = registry.images().length !== 1 || (await importer.tasks.list()).length !== 1
  return isLeft ? `refused, but left ${JSON.stringify(registry.images())}` : undefined
}

/** Checks that the layers of an installed image match its config. @returns what is wrong */
function imageProblem(
  { registry }: Importer,
  { repository, digest }: { readonly repository: string; readonly digest: string },
): string | undefined {
  const manifest = JSON.parse(String(registry.manifest(repository, digest)))
  const config = JSON.parse(String(registry.blob(repository, manifest.config.digest)))
  const found = manifest.layers.map((layer: { mediaType: string; digest: string }) => {
    const bytes = registry.blob(repository, layer.digest) ?? Buffer.alloc(0)
    if (layer.mediaType.endsWith('+zstd')) return digestOf(zstdDecompressSync(bytes))
    return digestOf(layer.mediaType.endsWith('+gzip') ? gunzipSync(bytes) : bytes)
  })
  const expected = config.rootfs.diff_ids ?? []
  return JSON.stringify(found) === JSON.stringify(expected) ? undefined : `installed ${found} as ${expected}`
}
