import type { Context } from 'hono'
import { DomainError } from '../../src/domain/errors.ts'

/**
 * The first part of a multipart body, whatever its name; it must be a file (contract http-api 5.2). Buffering is bounded:
 * API Gateway takes 10 MB, Lambda 6 MB.
 */
export async function firstFile(context: Context): Promise<Uint8Array> {
  const type = context.req.header('content-type') ?? ''
  if (!/^multipart\/form-data\b/iu.test(type)) throw new DomainError('INTERNAL_NOT_MULTIPART')
  let form: FormData
  try {
    form = await context.req.raw.formData()
  } catch (error) {
    throw new DomainError('INTERNAL_NOT_MULTIPART', { type: 'empty' }, { cause: error })
  }
  for (const [, part] of form) {
    if (typeof part === 'string') throw new DomainError('INTERNAL_NO_FILE_BUT_FORM_FIELD')
    return new Uint8Array(await part.arrayBuffer())
  }
  throw new DomainError('INTERNAL_NO_FILE_PARTS_FOUND')
}
