import { execFile } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const run = promisify(execFile)

it('the bundled stager of the image starts by itself, and says what it needs', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'bundle-')), 'stager.mjs')
  await run(process.execPath, ['stager/bundle.ts', file])

  const failure = await run(process.execPath, [file, 'stage-in', '/in', '/out'], { env: {} }).catch(
    (error: unknown) => error,
  )

  expect(failure).toMatchObject({ code: 1, stderr: 'APP_ENGINE_API_URL is not set\n' })
})
