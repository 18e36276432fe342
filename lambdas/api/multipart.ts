import type { Context } from 'hono'
import { DomainError, type ErrorName } from '../../src/contract/errors.ts'

/** The parts of a multipart body that are used. */
interface MultipartFiles {
  readonly first: Uint8Array
  readonly second?: Uint8Array
}

const MULTIPART = /^multipart\/form-data\b/iu

export function isMultipart(context: Context): boolean {
  return MULTIPART.test(context.req.header('content-type') ?? '')
}

/**
 * Reads the first two parts of a multipart body by order, not by name; the first must be a file (contract http-api 5.2 and 5.15).
 * Buffers the body, which Lambda limits to 6 MB.
 */
export async function readMultipart(context: Context): Promise<MultipartFiles> {
  if (!isMultipart(context)) throw refuse('INTERNAL_NOT_MULTIPART', 'the body has another content type')
  let form: FormData
  try {
    form = await context.req.raw.formData()
  } catch (error) {
    throw refuse('INTERNAL_NOT_MULTIPART', 'the body does not match its content type', error)
  }
  const [first, second] = [...form].map(([, part]) => part)
  if (first === undefined) throw refuse('INTERNAL_NO_FILE_PARTS_FOUND', 'the body has no part')
  if (typeof first === 'string')
    throw refuse('INTERNAL_NO_FILE_BUT_FORM_FIELD', 'the first part is a form field')
  return {
    first: await bytesOf(first),
    ...(second === undefined || typeof second === 'string' ? {} : { second: await bytesOf(second) }),
  }
}

function refuse(error: ErrorName, words: string, cause?: unknown): DomainError {
  return new DomainError(error, undefined, {
    cause,
    words: `${words}; expected multipart/form-data whose first part is a file, that is, has a file name`,
  })
}

async function bytesOf(file: File): Promise<Uint8Array> {
  return new Uint8Array(await file.arrayBuffer())
}
