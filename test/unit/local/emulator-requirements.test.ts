import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { MINISTACK_VERSION } from '../../../local/emulator.ts'

describe('the emulator', () => {
  it('is pinned by hash, and so are its dependencies', () => {
    const lines = readFileSync('local/emulator-requirements.txt', 'utf8')
      .replaceAll('\\\n', ' ')
      .split('\n')
      .filter((line) => /^[a-z]/u.test(line))

    expect(lines.length).toBeGreaterThan(10)
    expect(lines.map((line) => line.split(' ')[0])).toContain(`ministack==${MINISTACK_VERSION}`)
    for (const line of lines) expect(line).toMatch(/^[\w.-]+==\S+.*--hash=sha256:[0-9a-f]{64}/u)
  })
})
