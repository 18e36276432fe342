import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { openZip } from '../../../../src/archive/zip/read-zip.ts'
import { ZipFormatError } from '../../../../src/archive/zip/zip-format-error.ts'
import type { ByteSource } from '../../../../src/shared/byte-source.ts'
import { packZip } from '../../../fixtures/bundle-builder.ts'

const MANY = { maxEntries: 10_000, maxNameBytes: 1024, maxEntryBytes: 1024 ** 3 }

function sourceOf(bytes: Buffer): ByteSource & { readonly reads: number[] } {
  const reads: number[] = []
  return {
    reads,
    sizeBytes: bytes.length,
    read: async (start, length) => {
      reads.push(length)
      return Readable.from([bytes.subarray(start, start + length)])
    },
  }
}

describe('hostile or damaged zip archives', () => {
  async function refusal(bytes: Buffer, limits = MANY): Promise<string | undefined> {
    try {
      const zip = await openZip(sourceOf(bytes), limits)
      for (const entry of zip.entries) await buffer(Readable.from(zip.read(entry)))
      return undefined
    } catch (error) {
      if (error instanceof ZipFormatError) return error.code
      throw error
    }
  }

  it('are refused or read when any byte is changed', async () => {
    const bytes = await packZip([{ name: 'a', body: 'text '.repeat(20) }, { name: 'b' }])
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), async (at, value) => {
        const changed = Buffer.from(bytes)
        changed[at] = value
        await refusal(changed)
      }),
      { numRuns: 300 },
    )
  })
})
