import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it("the emulator's garbage collector searches only what is newer than its last full search", async () => {
  const env = { ...process.env, PYTHONPATH: resolve('local'), PYTHONDONTWRITEBYTECODE: '1' }

  const { stdout } = await promisify(execFile)('python3', ['test/fixtures/garbage.py'], { env })

  expect(JSON.parse(stdout)).toEqual({ isLeftOut: true, collected: 10 })
})
