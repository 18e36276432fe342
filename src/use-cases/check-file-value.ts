import { type DomainError, type ErrorName, parameterError } from '../domain/errors.ts'
import type { TypeOf } from '../domain/parameters/parameter-codec.ts'
import { type DicomFiles, describeDicomFiles, describeDicomZip } from '../formats/image/dicom-files.ts'
import type { Dimensions } from '../formats/image/dimensions.ts'
import { readDimensions } from '../formats/image/read-dimensions.ts'
import { IMAGE_FORMATS, isZip, recogniseImage } from '../formats/image/recognise-image.ts'
import { isBaselineTiff } from '../formats/image/tiff-directory.ts'
import type { ByteSource } from '../formats/zip/byte-source.ts'
import { ZipFormatError } from '../formats/zip/zip-format-error.ts'

/** Name of the format in descriptors that is a folder, or a zip, of DICOM files. */
const WSI_DICOM = 'wsidicom'

/**
 * Checks an image by its content, in the order of the contract (parameter-io 6.2); headers only, whatever the size.
 * @returns whether it is one file, or a zip of DICOM files.
 * @throws DomainError naming the parameter
 */
export async function checkImage(
  source: ByteSource,
  type: TypeOf<'image'>,
  parameterName: string,
): Promise<'file' | 'dicom-zip'> {
  const refuse = (error: ErrorName): DomainError => parameterError(error, parameterName)
  if (await isZip(source)) {
    await checkDicomFolder(source, type, parameterName)
    return 'dicom-zip'
  }
  const wanted = type.formats?.map((format) => format.toLowerCase())
  const allowed = IMAGE_FORMATS.filter((format) => wanted === undefined || wanted.includes(format))
  // In the order of the descriptor's list: a file may bear two signatures.
  const ordered =
    wanted === undefined ? allowed : allowed.toSorted((a, b) => wanted.indexOf(a) - wanted.indexOf(b))
  const format = await recogniseImage(source, ordered)
  if (format === undefined && wanted !== undefined) throw refuse('INTERNAL_PARAMETER_INVALID_IMAGE_FORMAT')
  await checkDimensions(type, () => readDimensions(source, format), refuse)
  checkImageSize(source.sizeBytes, type, refuse)
  if (wanted !== undefined && format === 'tiff' && !(await isBaselineTiff(source))) {
    throw refuse('INTERNAL_PARAMETER_INVALID_IMAGE')
  }
  return 'file'
}

/**
 * Checks a zip of DICOM files, or the zip that a folder of them was packed into; limits apply to the largest file.
 * @throws DomainError naming the parameter
 */
export async function checkDicomFolder(
  source: ByteSource,
  type: TypeOf<'image'>,
  parameterName: string,
): Promise<void> {
  const refuse = (error: ErrorName): DomainError => parameterError(error, parameterName)
  const files = await describeDicomZip(source).catch((error: unknown) => {
    if (error instanceof ZipFormatError) throw refuse('INTERNAL_PARAMETER_TYPE_ERROR')
    throw error
  })
  await checkDicom(files, type, refuse)
}

/**
 * The same for the files of a folder that is an item of an array.
 * @throws DomainError naming the parameter
 */
export async function checkDicomFiles(
  files: readonly ByteSource[],
  type: TypeOf<'image'>,
  parameterName: string,
): Promise<void> {
  await checkDicom(await describeDicomFiles(files), type, (error) => parameterError(error, parameterName))
}

async function checkDicom(
  files: DicomFiles | undefined,
  type: TypeOf<'image'>,
  refuse: (error: ErrorName) => DomainError,
): Promise<void> {
  if (type.formats !== undefined && !type.formats.some((format) => format.toLowerCase() === WSI_DICOM)) {
    throw refuse('INTERNAL_PARAMETER_INVALID_IMAGE_FORMAT')
  }
  if (files === undefined) throw refuse('INTERNAL_PARAMETER_INVALID_IMAGE_FORMAT')
  await checkDimensions(type, async () => files.largest.dimensions, refuse)
  checkImageSize(files.largest.sizeBytes, type, refuse)
}

async function checkDimensions(
  { maxWidth, maxHeight }: TypeOf<'image'>,
  read: () => Promise<Dimensions | undefined>,
  refuse: (error: ErrorName) => DomainError,
): Promise<void> {
  if (maxWidth === undefined && maxHeight === undefined) return
  const dimensions = await read()
  if (dimensions === undefined) throw refuse('INTERNAL_PARAMETER_INVALID_IMAGE_DIMENSION')
  if (maxWidth !== undefined && dimensions.width > maxWidth) {
    throw refuse('INTERNAL_PARAMETER_INVALID_IMAGE_WIDTH')
  }
  if (maxHeight !== undefined && dimensions.height > maxHeight) {
    throw refuse('INTERNAL_PARAMETER_INVALID_IMAGE_HEIGHT')
  }
}

function checkImageSize(
  sizeBytes: number,
  { maxFileSizeBytes }: TypeOf<'image'>,
  refuse: (error: ErrorName) => DomainError,
): void {
  if (maxFileSizeBytes !== undefined && sizeBytes > maxFileSizeBytes) {
    throw refuse('INTERNAL_PARAMETER_INVALID_IMAGE_SIZE')
  }
}

/**
 * Checks a file's size; its `formats` have no defined meaning and are not enforced (descriptor 7 no. 23).
 * @throws DomainError naming the parameter
 */
export function checkFile(
  sizeBytes: number,
  { maxFileSizeBytes }: TypeOf<'file'>,
  parameterName: string,
): void {
  if (maxFileSizeBytes !== undefined && sizeBytes > maxFileSizeBytes) {
    throw parameterError('INTERNAL_PARAMETER_VALIDATION_ERROR', parameterName)
  }
}
