import { TarFormatError } from '../archive/tar/tar-format-error.ts'
import { ZipFormatError } from '../archive/zip/zip-format-error.ts'
import { DomainError, type ErrorName } from '../contract/errors.ts'
import { OciFormatError, type OciFormatErrorCode } from './image/oci-format-error.ts'

/** Errors of the contract for images (http-api 5.2); codes without a row have the general error. */
const IMAGE_ERRORS: Partial<Record<OciFormatErrorCode, ErrorName>> = {
  'manifest-missing': 'INTERNAL_DOCKER_IMAGE_MANIFEST_MISSING',
  'no-command': 'INTERNAL_UNKNOWN_IMAGE_ARCHIVE_FORMAT',
  'layer-gone': 'UPLOAD_LAYER_GONE',
}

/** Refusal of a bundle: the contract's fixed message, with the explanation in the details. */
export function refusal(
  error: ErrorName,
  part: 'bundle' | 'descriptor' | 'image' | 'logo',
  description: string,
  cause?: unknown,
): DomainError {
  return new DomainError(error, { type: 'related', parameterName: part, description }, { cause })
}

/** Converts a zip error that occurred while the image was read. */
export function asImageRefusal(error: unknown): unknown {
  if (!(error instanceof ZipFormatError)) return error
  return refusal('INTERNAL_DOCKER_IMAGE_EXTRACTION_FAILED', 'image', error.message, error)
}

/** Converts format errors to the contract's errors; other errors pass unchanged. */
export function asRefusal(error: unknown): unknown {
  if (error instanceof ZipFormatError) {
    return refusal('INTERNAL_DESCRIPTOR_EXTRACTION_FAILED', 'bundle', error.message, error)
  }
  if (error instanceof TarFormatError) {
    return refusal('INTERNAL_UNKNOWN_BUNDLE_ARCHIVE_FORAMT', 'image', error.message, error)
  }
  if (error instanceof OciFormatError) {
    const name = IMAGE_ERRORS[error.code] ?? 'INTERNAL_UNKNOWN_BUNDLE_ARCHIVE_FORAMT'
    return refusal(name, 'image', error.message, error)
  }
  return error
}
