import type { Context } from 'hono'
import { DomainError } from '../../src/domain/errors.ts'

/** Files of a multipart body, in order. */
interface MultipartFiles {
  readonly first: Uint8Array
  readonly second?: Uint8Array
}

const MULTIPART = /^multipart\/form-data\b/iu

export function isMultipart(context: Context): boolean {
  return MULTIPART.test(context.req.header('content-type') ?? '')
}

/**
 * The first part of a multipart body, whatever its name, and the second; the first must be a file (contract http-api 5.2 and
 * 5.15). Further parts are ignored. Buffering is bounded: API Gateway takes 10 MB, Lambda 6 MB.
 */
export async function readMultipart(context: Context): Promise<MultipartFiles> {
  if (!isMultipart(context)) throw new DomainError('INTERNAL_NOT_MULTIPART')
  let form: FormData
  try {
    form = await context.req.raw.formData()
  } catch (error) {
    throw new DomainError('INTERNAL_NOT_MULTIPART', { type: 'empty' }, { cause: error })
  }
  const [first, second] = [...form].map(([, part]) => part)
  if (first === undefined) throw new DomainError('INTERNAL_NO_FILE_PARTS_FOUND')
  if (typeof first === 'string') throw new DomainError('INTERNAL_NO_FILE_BUT_FORM_FIELD')
  return {
    first: await bytesOf(first),
    ...(second === undefined || typeof second === 'string' ? {} : { second: await bytesOf(second) }),
  }
}

async function bytesOf(file: File): Promise<Uint8Array> {
  return new Uint8Array(await file.arrayBuffer())
}
