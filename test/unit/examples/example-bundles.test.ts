import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, it } from 'vitest'
import { openZip, readZipEntry } from '../../../src/archive/zip/read-zip.ts'
import { MAX_DESCRIPTOR_BYTES } from '../../../src/import/open-bundle.ts'
import { bufferSource } from '../../../src/shared/byte-source.ts'

it.each(['examples/add-and-echo', 'test/fixtures/probe-task', 'test/fixtures/hostile-task'])(
  'the built bundle in %s has the descriptor of its folder',
  async (folder) => {
    const zip = await openZip(bufferSource(readFileSync(join(folder, `${basename(folder)}.zip`))))
    const entry = zip.entries.find(({ name }) => name === 'descriptor.yml')
    if (entry === undefined) throw new Error('the bundle has no descriptor')

    const descriptor = await readZipEntry(zip, entry, MAX_DESCRIPTOR_BYTES)

    expect(descriptor.toString()).toBe(readFileSync(join(folder, 'descriptor.yml'), 'utf8'))
  },
)
