import { ZipFormatError } from '../archive/zip/zip-format-error.ts'
import { type DomainError, type ErrorName, parameterError } from '../contract/errors.ts'
import { printable, someOf } from '../contract/quoted.ts'
import { type DicomFiles, describeDicomFiles, describeDicomZip } from '../images/dicom-files.ts'
import type { Dimensions } from '../images/dimensions.ts'
import { readDimensions } from '../images/read-dimensions.ts'
import { IMAGE_FORMATS, isZip, recogniseImage, SIZED_FORMATS } from '../images/recognise-image.ts'
import { isBaselineTiff } from '../images/tiff-directory.ts'
import type { ByteSource } from '../shared/byte-source.ts'
import type { TypeOf } from '../task/parameters/parameter-codec.ts'

/** The descriptor's format name for a folder, or a zip, of DICOM files. */
const WSI_DICOM = 'wsidicom'

/** Creates an error about the parameter that is checked. */
type Refuse = (error: ErrorName, words: string) => DomainError

/** Maximum number of formats in a message. */
const MAX_FORMATS = 20

function expectedFormats(formats: readonly string[]): string {
  if (formats.length === 0) return 'the descriptor allows no format'
  return `expected ${someOf(
    formats.slice(0, MAX_FORMATS + 1).map((format) => printable(format, 60)),
    MAX_FORMATS,
  )} (formats)`
}

async function formatWords(source: ByteSource, formats: readonly string[]): Promise<string> {
  const found = await recogniseImage(source, SIZED_FORMATS)
  const what = found === undefined ? 'the file is not an image of a supported format' : `the file is ${found}`
  return `${what}; ${expectedFormats(formats)}`
}

function sizeWords(sizeBytes: number, maxSizeBytes: number): string {
  return `the file has ${sizeBytes} bytes; expected at most ${maxSizeBytes} (max_file_size)`
}

/**
 * Checks an image's headers, in the order of the contract (parameter-io 6.2).
 * @returns whether it is one file, or a zip of DICOM files
 * @throws DomainError naming the parameter
 */
export async function checkImage(
  source: ByteSource,
  type: TypeOf<'image'>,
  parameterName: string,
): Promise<'file' | 'dicom-zip'> {
  const refuse: Refuse = (error, words) => parameterError(error, parameterName, words)
  if (await isZip(source)) {
    await checkDicomFolder(source, type, parameterName)
    return 'dicom-zip'
  }
  const wanted = type.formats?.map((format) => format.toLowerCase())
  const allowed = IMAGE_FORMATS.filter((format) => wanted === undefined || wanted.includes(format))
  // Tried in the order of the descriptor, since a file may have two signatures.
  const ordered =
    wanted === undefined ? allowed : allowed.toSorted((a, b) => wanted.indexOf(a) - wanted.indexOf(b))
  const format = await recogniseImage(source, ordered)
  if (format === undefined && wanted !== undefined) {
    throw refuse('INTERNAL_PARAMETER_INVALID_IMAGE_FORMAT', await formatWords(source, wanted))
  }
  await checkDimensions(type, () => readDimensions(source, format), refuse)
  checkImageSize(source.sizeBytes, type, refuse)
  if (wanted !== undefined && format === 'tiff' && !(await isBaselineTiff(source))) {
    const words = 'the TIFF is tiled, or its pixels do not have three samples (RGB); expected a baseline TIFF'
    throw refuse('INTERNAL_PARAMETER_INVALID_IMAGE', words)
  }
  return 'file'
}

/**
 * Checks a zip of DICOM files, or the zip of a folder of them; limits apply to the largest file.
 * @throws DomainError naming the parameter
 */
export async function checkDicomFolder(
  source: ByteSource,
  type: TypeOf<'image'>,
  parameterName: string,
): Promise<void> {
  const refuse: Refuse = (error, words) => parameterError(error, parameterName, words)
  const files = await describeDicomZip(source).catch((error: unknown) => {
    if (error instanceof ZipFormatError)
      throw refuse('INTERNAL_PARAMETER_TYPE_ERROR', `the zip cannot be read: ${error.message}`)
    throw error
  })
  await checkDicom(files, type, refuse)
}

/**
 * Checks the files of a DICOM folder that is an item of an array.
 * @throws DomainError naming the parameter
 */
export async function checkDicomFiles(
  files: readonly ByteSource[],
  type: TypeOf<'image'>,
  parameterName: string,
): Promise<void> {
  await checkDicom(await describeDicomFiles(files), type, (error, words) =>
    parameterError(error, parameterName, words),
  )
}

async function checkDicom(
  files: DicomFiles | undefined,
  type: TypeOf<'image'>,
  refuse: Refuse,
): Promise<void> {
  if (type.formats !== undefined && !type.formats.some((format) => format.toLowerCase() === WSI_DICOM)) {
    const words = `it is a zip or a folder, which represents a DICOM slide (wsidicom); ${expectedFormats(type.formats)}`
    throw refuse('INTERNAL_PARAMETER_INVALID_IMAGE_FORMAT', words)
  }
  if (files === undefined) {
    const words =
      'the zip or folder does not contain DICOM files only; expected at least one, and no other files'
    throw refuse('INTERNAL_PARAMETER_INVALID_IMAGE_FORMAT', words)
  }
  await checkDimensions(type, async () => files.largest.dimensions, refuse)
  checkImageSize(files.largest.sizeBytes, type, refuse)
}

async function checkDimensions(
  { maxWidth, maxHeight }: TypeOf<'image'>,
  read: () => Promise<Dimensions | undefined>,
  refuse: Refuse,
): Promise<void> {
  if (maxWidth === undefined && maxHeight === undefined) return
  const dimensions = await read()
  if (dimensions === undefined) {
    const words =
      'the size of the image cannot be read; expected a complete PNG, JPEG, TIFF, GIF, BMP or DICOM file'
    throw refuse('INTERNAL_PARAMETER_INVALID_IMAGE_DIMENSION', words)
  }
  if (maxWidth !== undefined && dimensions.width > maxWidth) {
    throw refuse(
      'INTERNAL_PARAMETER_INVALID_IMAGE_WIDTH',
      `the image is ${dimensions.width} pixels wide; expected at most ${maxWidth} (max_width)`,
    )
  }
  if (maxHeight !== undefined && dimensions.height > maxHeight) {
    throw refuse(
      'INTERNAL_PARAMETER_INVALID_IMAGE_HEIGHT',
      `the image is ${dimensions.height} pixels high; expected at most ${maxHeight} (max_height)`,
    )
  }
}

function checkImageSize(sizeBytes: number, { maxFileSizeBytes }: TypeOf<'image'>, refuse: Refuse): void {
  if (maxFileSizeBytes !== undefined && sizeBytes > maxFileSizeBytes) {
    throw refuse('INTERNAL_PARAMETER_INVALID_IMAGE_SIZE', sizeWords(sizeBytes, maxFileSizeBytes))
  }
}

/**
 * Checks a file's size. The type's `formats` have no defined meaning and are not enforced (descriptor 7 no. 23).
 * @throws DomainError naming the parameter
 */
export function checkFile(
  sizeBytes: number,
  { maxFileSizeBytes }: TypeOf<'file'>,
  parameterName: string,
): void {
  if (maxFileSizeBytes !== undefined && sizeBytes > maxFileSizeBytes) {
    const words = sizeWords(sizeBytes, maxFileSizeBytes)
    throw parameterError('INTERNAL_PARAMETER_VALIDATION_ERROR', parameterName, words)
  }
}
