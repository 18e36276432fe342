import { FormatError } from '../../shared/format-error.ts'

export type OciFormatErrorCode =
  /** Neither manifest.json nor index.json. */
  | 'manifest-missing'
  /** A document is not what its place promises. */
  | 'invalid-document'
  /** A file that the image names is not in the archive. */
  | 'blob-missing'
  /** A layer that was left out of the archive is not in the registry any more. */
  | 'layer-gone'
  | 'digest-mismatch'
  /** A layer that its maker may not hand on, or whose bytes lie elsewhere. */
  | 'foreign-layer'
  /** Several images, and nothing that tells which is meant. */
  | 'ambiguous'
  /** No image for the machines that run tasks. */
  | 'wrong-platform'
  /** The image says neither entrypoint nor command. */
  | 'no-command'
  /** A link or a file where the folders of a run are mounted. */
  | 'unsafe-mount-point'
  | 'unsupported-compression'
  | 'corrupt-layer'
  | 'limit-exceeded'
  /** All layers together unpack to more than machines hold. */
  | 'image-too-large'

/** The image archive is refused; the message tells its maker why and what to do. */
export class OciFormatError extends FormatError<OciFormatErrorCode> {
  override readonly name = 'OciFormatError'
}
