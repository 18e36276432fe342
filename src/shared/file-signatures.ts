/** First bytes of file formats, as latin1 text. `at` is the offset of a signature that does not come first. */
const SIGNATURES = {
  png: { at: 0, anyOf: ['\x89PNG\r\n\x1a\n'] },
  jpeg: { at: 0, anyOf: ['\xff\xd8\xff'] },
  tiff: { at: 0, anyOf: ['II*\0', 'MM\0*'] },
  /** After a preamble of 128 bytes with arbitrary content. */
  dicom: { at: 128, anyOf: ['DICM'] },
  gif: { at: 0, anyOf: ['GIF87a', 'GIF89a'] },
  bmp: { at: 0, anyOf: ['BM'] },
  zipEntry: { at: 0, anyOf: ['PK\x03\x04'] },
  emptyZip: { at: 0, anyOf: ['PK\x05\x06'] },
  /** PKWARE APPNOTE 6.3.10, 8.5.3 and 8.5.4. */
  splitZip: { at: 0, anyOf: ['PK\x07\x08', 'PK00'] },
  gzip: { at: 0, anyOf: ['\x1f\x8b'] },
  zstd: { at: 0, anyOf: ['\x28\xb5\x2f\xfd'] },
  /** RFC 8878, 3.1.2. */
  zstdSkippable: {
    at: 0,
    anyOf: Array.from({ length: 16 }, (_, i) => `${String.fromCharCode(0x50 + i)}\x2a\x4d\x18`),
  },
  xz: { at: 0, anyOf: ['\xfd7zXZ\0'] },
  bzip2: { at: 0, anyOf: ['BZh'] },
  sevenZip: { at: 0, anyOf: ['7z\xbc\xaf\x27\x1c'] },
  rar: { at: 0, anyOf: ['Rar!\x1a\x07'] },
  tar: { at: 257, anyOf: ['ustar'] },
  windowsProgram: { at: 0, anyOf: ['MZ'] },
  elf: { at: 0, anyOf: ['\x7fELF'] },
  pdf: { at: 0, anyOf: ['%PDF'] },
  markup: { at: 0, anyOf: ['<'] },
  json: { at: 0, anyOf: ['{'] },
} as const satisfies Record<string, { readonly at: number; readonly anyOf: readonly string[] }>

/** Formats that are recognised by their first bytes. */
export type SignedFormat = keyof typeof SIGNATURES

/** Returns the first of `formats` whose signature a file has. A file may have two. */
export function formatOf<Format extends SignedFormat>(
  start: Uint8Array,
  formats: readonly Format[],
): Format | undefined {
  const text = Buffer.from(start.buffer, start.byteOffset, start.byteLength).toString('latin1')
  return formats.find((format) => {
    const { at, anyOf } = SIGNATURES[format]
    return anyOf.some((signature) => text.startsWith(signature, at))
  })
}

/** Number of bytes that {@link formatOf} needs for these formats. */
export function signatureBytes(formats: readonly SignedFormat[]): number {
  return Math.max(
    ...formats.flatMap((format) => {
      const { at, anyOf } = SIGNATURES[format]
      return anyOf.map((signature) => at + signature.length)
    }),
  )
}
