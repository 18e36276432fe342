import { crc32 } from 'node:zlib'
import type { ByteSource } from '../../shared/byte-source.ts'
import { type CrcCoverage, createCrcCoverage } from './crc-coverage.ts'
import { corruptEntry, requireChecksum } from './zip-format-error.ts'

/** An uncompressed entry that can be read from any offset. */
export interface StoredEntry {
  readonly source: ByteSource
  /** Receives the checksum of every part that is read. */
  readonly coverage: CrcCoverage
  /**
   * Reads the parts that were not read yet and compares the checksum of the whole.
   * @throws ZipFormatError
   */
  verify(): Promise<void>
}

/** Creates a stored entry; its checksum is combined from parts read in any order. */
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
