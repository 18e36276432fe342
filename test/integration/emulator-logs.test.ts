import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { prepareEmulator } from '../../local/parts.ts'

it('the emulator keeps the logs of the last calls of a function, and no metrics', async () => {
  const python = await prepareEmulator()
  const env = { ...process.env, PYTHONPATH: resolve('local'), PYTHONDONTWRITEBYTECODE: '1' }

  const { stdout } = await promisify(execFile)(python, ['test/fixtures/function_logs.py'], { env })

  expect(JSON.parse(stdout)).toEqual({ calls: 1007, texts: ['call 200', 'call 1206'], metrics: 0 })
})
