import { SAVE_AGAIN } from '../../archive/tar/tar-format-error.ts'
import { BLOCK_BYTES, decodeHeader, isZeroBlock } from '../../archive/tar/tar-header.ts'
import { quoted } from '../../contract/quoted.ts'
import { formatOf, signatureBytes } from '../../shared/file-signatures.ts'
import type { ImportedLayer } from '../../upload/upload.ts'
import { OciFormatError } from './oci-format-error.ts'

export type LayerCompression = ImportedLayer['compression']

const COMPRESSIONS = ['gzip', 'zstd', 'zstdSkippable'] as const
const UNSUPPORTED = ['bzip2', 'xz'] as const
/** Number of bytes that identify the compression. Media types and file names may be wrong. */
export const MAGIC_BYTES = signatureBytes([...COMPRESSIONS, ...UNSUPPORTED])

/** Whether a file that starts like this is compressed, supported or not. */
export function looksCompressed(start: Buffer): boolean {
  return formatOf(start, [...COMPRESSIONS, ...UNSUPPORTED]) !== undefined
}

/** Whether a file that starts like this may be a layer: compressed, or a tar. */
export function looksLikeLayer(start: Buffer): boolean {
  if (formatOf(start, COMPRESSIONS) !== undefined) return true
  return start.length >= BLOCK_BYTES && decodesAsHeader(start.subarray(0, BLOCK_BYTES))
}

/** Whether bytes may start a layer's tar. Container engines accept an empty file as an empty layer. */
export function startsTar(start: Buffer): boolean {
  if (start.length === 0) return true
  return start.length === BLOCK_BYTES && (isZeroBlock(start) || decodesAsHeader(start))
}

function decodesAsHeader(block: Buffer): boolean {
  try {
    return decodeHeader(block) !== undefined
  } catch {
    // The checksum is right, but a number is malformed.
    return false
  }
}

/** @throws OciFormatError */
export function compressionOf(name: string, start: Buffer): LayerCompression {
  const unsupported = formatOf(start, UNSUPPORTED)
  if (unsupported !== undefined) {
    throw new OciFormatError(
      'unsupported-compression',
      `the layer ${quoted(name)} is compressed with ${unsupported}; plain, gzip and zstd are supported: ${SAVE_AGAIN}`,
    )
  }
  const compression = formatOf(start, COMPRESSIONS)
  return compression === 'zstdSkippable' ? 'zstd' : (compression ?? 'none')
}

/** Error for a file that the image names as a layer and that cannot be one. */
export function notALayer(name: string): OciFormatError {
  return new OciFormatError(
    'corrupt-layer',
    `the image names ${quoted(name)} as a layer, but it is not a layer: ${SAVE_AGAIN}`,
  )
}
