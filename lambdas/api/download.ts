import type { Context } from 'hono'
import { readAll } from '../../src/formats/read-all.ts'
import type { ObjectStore } from '../../src/ports.ts'
import type { StoredFile } from '../../src/use-cases/array-inputs.ts'
import { openFile } from '../../src/use-cases/run-files.ts'

/** Lambda answers with 6 MB at most, a third of it base64: beyond this, core follows a redirect (contract http-api 2). */
export const INLINE_ANSWER_BYTES = 4 * 1024 * 1024

/** The redirect is followed at once. */
const URL_SECONDS = 300

/** Headers of a download. */
export interface Presentation {
  readonly contentType: string
  /** Shown as `attachment; filename="…"` when given. */
  readonly fileName?: string
}

/** Answers with a stored file: inline when small, else by a redirect with the same headers. */
export async function answerFile(
  context: Context,
  deps: { readonly objects: ObjectStore },
  file: StoredFile,
  { contentType, fileName }: Presentation,
): Promise<Response> {
  const contentDisposition = fileName === undefined ? undefined : attachment(fileName)
  if (file.kind !== 'inline' && file.sizeBytes > INLINE_ANSWER_BYTES) {
    const url = await deps.objects.presignRead(file.key, URL_SECONDS, {
      contentType,
      contentDisposition: contentDisposition ?? 'inline',
    })
    return context.redirect(url, 302)
  }
  return answerBytes(context, await readAll(await openFile(deps, file)), {
    contentType,
    ...(fileName === undefined ? {} : { fileName }),
  })
}

/** Answers with bytes that are in memory. */
export function answerBytes(
  context: Context,
  bytes: Uint8Array,
  { contentType, fileName }: Presentation,
): Response {
  return context.body(new Uint8Array(bytes), 200, {
    'content-type': contentType,
    'content-length': String(bytes.byteLength),
    ...(fileName === undefined ? {} : { 'content-disposition': attachment(fileName) }),
  })
}

/** Parameter names are letters, digits and underscores, ids are UUIDs: nothing that could end the quoted string. */
function attachment(fileName: string): string {
  return `attachment; filename="${fileName.replace(/[^\w./-]/gu, '_')}"`
}
