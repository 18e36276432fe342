import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aBundle, aDescriptorText, type FileEntry, packZip } from '../fixtures/bundle-builder.ts'
import type { HostileResult } from './hostile-worker.ts'

/** Memory limit of a process that imports one bundle. Node, its loader and the fixtures need 105 MB of it. */
const MAX_PEAK_BYTES = 256 * 1024 ** 2
/** Sizes just below the limits of a document and a descriptor. */
const DOCUMENT_BYTES = 2 * 1024 ** 2 - 1000
const DESCRIPTOR_LENGTH = 64 * 1024 - 3000

const fill = (piece: string, length: number): string => piece.repeat(Math.floor(length / piece.length))
const keys = (value: string, length: number): string =>
  Array.from({ length: Math.floor(length / (value.length + 10)) }, (_, key) => `"${key}":${value}`).join(',')
const index = (manifests: string): string => `{"schemaVersion":2,"manifests":[${manifests}]}`
const DIGEST = `"digest":"sha256:${'a'.repeat(64)}"`

const DOCUMENTS: Readonly<Record<string, string>> = {
  'empty objects': index(`${fill('{},', DOCUMENT_BYTES)}{}`),
  'numbers instead of objects': index(`${fill('1,', DOCUMENT_BYTES)}1`),
  'annotations of another type': index(`{${DIGEST},"annotations":{${keys('1', DOCUMENT_BYTES - 100)}}}`),
  'addresses of another type': index(`{${DIGEST},"urls":[${fill('1,', DOCUMENT_BYTES - 100)}1]}`),
  'nested objects': index(
    `{"digest":${fill('{"a":', DOCUMENT_BYTES - 400_000)}1${fill('}', (DOCUMENT_BYTES - 400_000) / 5)}}`,
  ),
}

const DESCRIPTORS: Readonly<Record<string, string>> = {
  'a list of numbers': `x: [${fill('1,', DESCRIPTOR_LENGTH)}1]`,
  'a list of mappings': `x: [${fill('{},', DESCRIPTOR_LENGTH)}1]`,
  'tabs and colons': fill('\t:\n', DESCRIPTOR_LENGTH),
  'nested lists': `x: ${fill('[', DESCRIPTOR_LENGTH / 2)}${fill(']', DESCRIPTOR_LENGTH / 2)}`,
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hostile-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** Imports a bundle in a separate process. */
async function importAlone(entries: readonly FileEntry[]): Promise<HostileResult> {
  const bundle = join(folder, 'bundle.zip')
  await writeFile(bundle, await packZip(entries))
  const child = fork(join(import.meta.dirname, 'hostile-worker.ts'), [bundle])
  const [result] = (await once(child, 'message')) as [HostileResult]
  return result
}

describe('the import of a small bundle with the largest possible documents', () => {
  it.each(Object.entries(DOCUMENTS))('stays within its memory with an index of %s', async (_, text) => {
    const image = [
      { name: 'oci-layout', body: '{"imageLayoutVersion": "1.0.0"}' },
      { name: 'index.json', body: text },
    ]

    const { status, peakBytes } = await importAlone(await aBundle({ image }))

    expect(status).toBe(400)
    expect(peakBytes).toBeLessThan(MAX_PEAK_BYTES)
  })

  it.each(Object.entries(DESCRIPTORS))('stays within its memory with a descriptor of %s', async (_, text) => {
    const entries = await aBundle()
    const descriptor = { name: 'descriptor.yml', body: `${aDescriptorText()}\n${text}` }
    const others = entries.filter(({ name }) => name !== descriptor.name)

    const { peakBytes } = await importAlone([...others, descriptor])

    expect(peakBytes).toBeLessThan(MAX_PEAK_BYTES)
  })
})
