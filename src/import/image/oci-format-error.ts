import { FormatError } from '../../shared/format-error.ts'

export type OciFormatErrorCode =
  /** Neither manifest.json nor index.json. */
  | 'manifest-missing'
  /** A document does not have the form that its name requires. */
  | 'invalid-document'
  /** A file that the image names is not in the archive. */
  | 'blob-missing'
  /** A layer was left out of the archive, and the registry no longer has it. */
  | 'layer-gone'
  | 'digest-mismatch'
  /** A layer whose content is not in the archive. */
  | 'foreign-layer'
  /** Several images, and no tag that identifies one. */
  | 'ambiguous'
  /** No image for the platform of tasks. */
  | 'wrong-platform'
  /** Neither entrypoint nor command. */
  | 'no-command'
  /** A link or a file where the folders of a run are mounted. */
  | 'unsafe-mount-point'
  | 'unsupported-compression'
  | 'corrupt-layer'
  | 'limit-exceeded'
  /** All layers together exceed the largest disk when unpacked. */
  | 'image-too-large'

/** Refusal of an image archive; the message gives its author the reason and the remedy. */
export class OciFormatError extends FormatError<OciFormatErrorCode> {
  override readonly name = 'OciFormatError'
}
