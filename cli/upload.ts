/*
 * Installs a task from a bundle of any size, and goes on where it broke off when it is called again:
 *
 *   npm run upload -- my-task.zip
 *   npm run upload -- my-task.zip --url https://app-engine.example.org/app-engine/v1/
 *   npm run upload -- my-task.zip --auth iam --url https://a1b2c3.execute-api.eu-west-1.amazonaws.com/api/app-engine/v1/
 */
import { parseArgs } from 'node:util'
import { AuthError, DEFAULT_AUTH, fetchWith } from './api-auth.ts'
import { createProgress } from './progress.ts'
import { uploadBundle } from './upload-bundle.ts'
import { createUploadClient, UploadBrokenError, UploadRefusedError } from './upload-client.ts'

const USAGE = `npm run upload -- BUNDLE [options]
  BUNDLE        a zip with descriptor.yml and the image
  --url URL     base URL of the service (http://127.0.0.1:8080/app-engine/v1/, port from PORT)
  --auth iam    signs with AWS credentials, for the API of a stage with access "iam" (none, or what API_AUTH says)`

class UsageError extends Error {
  override readonly name = 'UsageError'
}

try {
  const { bundle, url, auth } = readOptions()
  const progress = createProgress(process.stdout)
  const client = createUploadClient(url, { callApi: await fetchWith(auth, url) })
  const task = await uploadBundle({ bundle, url, progress, client })
  progress.say(`installed ${task}`)
} catch (error) {
  console.error(explain(error))
  process.exitCode = 1
}

function readOptions(): { readonly bundle: string; readonly url: string; readonly auth: string } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      url: { type: 'string', default: `http://127.0.0.1:${process.env.PORT || 8080}/app-engine/v1/` },
      auth: { type: 'string', default: DEFAULT_AUTH },
    },
  })
  const [bundle, ...others] = positionals
  if (bundle === undefined || others.length > 0) throw new UsageError('one bundle is needed')
  const url = values.url.endsWith('/') ? values.url : `${values.url}/`
  return { bundle, url, auth: values.auth }
}

function explain(error: unknown): unknown {
  if (error instanceof UploadRefusedError || error instanceof AuthError) return error.message
  if (error instanceof UploadBrokenError) {
    return `The upload broke off: ${error.message}\nWhat has arrived is kept for a day: call again to go on.`
  }
  const code = error instanceof Error ? String((error as NodeJS.ErrnoException).code) : ''
  if (error instanceof UsageError || code.startsWith('ERR_PARSE_ARGS'))
    return `${error instanceof Error ? error.message : ''}\n${USAGE}`
  // Such as a file that is not there.
  return code.startsWith('E') && error instanceof Error ? error.message : error
}
