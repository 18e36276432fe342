import { crc32 } from 'node:zlib'
import type { ByteSource } from '../../shared/byte-source.ts'
import { type CrcCoverage, createCrcCoverage } from '../zip/crc-coverage.ts'
import { corruptEntry, requireChecksum } from '../zip/zip-format-error.ts'

/** An entry whose bytes stand in the archive as they are. */
export interface StoredEntry {
  readonly source: ByteSource
  /** To be told of every part that is read. */
  readonly coverage: CrcCoverage
  /**
   * Reads what nobody has read and compares the checksum of the whole.
   * @throws ZipFormatError
   */
  verify(): Promise<void>
}

/** A stored entry, its checksum put together from what is read of it, in whatever order. */
export function storedEntry(name: string, source: ByteSource, expectedCrc: number): StoredEntry {
  const coverage = createCrcCoverage()
  return {
    source,
    coverage,
    async verify() {
      for (const { start, length } of coverage.holes(source.sizeBytes)) {
        let crc = 0
        let sizeBytes = 0
        for await (const chunk of await source.read(start, length)) {
          crc = crc32(chunk, crc)
          sizeBytes += chunk.length
        }
        if (sizeBytes !== length) throw corruptEntry(name, 'is shorter than announced')
        coverage.add(start, length, crc)
      }
      requireChecksum(name, coverage.crc(), expectedCrc)
    },
  }
}
