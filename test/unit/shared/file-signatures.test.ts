import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { formatOf, signatureBytes } from '../../../src/shared/file-signatures.ts'

describe('the format of a file', () => {
  it.each([
    ['gzip', gzipSync('text')],
    ['zstd', zstdCompressSync('text')],
    ['xz', Buffer.from('fd377a585a000004', 'hex')],
    ['bzip2', Buffer.from('BZh91AY&SY')],
    ['zstdSkippable', Buffer.from('5f2a4d1800000000', 'hex')],
    ['tar', Buffer.concat([Buffer.alloc(257), Buffer.from('ustar\0')])],
  ] as const)('is recognised as %s by its first bytes', (format, start) => {
    expect(formatOf(start, ['gzip', 'zstd', 'zstdSkippable', 'xz', 'bzip2', 'tar'])).toBe(format)
  })

  it('is unknown when its signature is truncated or belongs to another format', () => {
    expect(formatOf(Buffer.from('fd377a58', 'hex'), ['xz'])).toBeUndefined()
    expect(formatOf(gzipSync('text'), ['zstd'])).toBeUndefined()
    expect(formatOf(Buffer.alloc(0), ['gzip', 'markup'])).toBeUndefined()
  })

  it('is the first requested one when several match', () => {
    const both = Buffer.alloc(132)
    both.write('II*\0', 'latin1')
    both.write('DICM', 128)

    expect(formatOf(both, ['dicom', 'tiff'])).toBe('dicom')
    expect(formatOf(both, ['tiff', 'dicom'])).toBe('tiff')
  })

  it('requires the bytes up to the end of the last signature', () => {
    expect(signatureBytes(['gzip', 'xz'])).toBe(6)
    expect(signatureBytes(['png', 'dicom'])).toBe(132)
  })
})
