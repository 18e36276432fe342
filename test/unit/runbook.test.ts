import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const runbook = readFileSync('docs/runbook.md', 'utf8')
const code = globSync('{src,lambdas,edge,stager}/**/*.ts')
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n')

/** Log messages in queries: `message = "…"` and `message in ["…", "…"]`. */
const messages = [...runbook.matchAll(/message (?:=|in) (\[[^\]]*\]|"[^"]*")/gu)].flatMap(([, text = '']) =>
  [...text.matchAll(/"([^"]*)"/gu)].map(([, message = '']) => message),
)
/** Reasons of runs, in italics: at least four words, without the part that differs. */
const reasons = [...runbook.matchAll(/\*([a-zA-Z][^*\n…]*)…?\*/gu)]
  .map(([, reason = '']) => reason.trim())
  .filter((reason) => reason.split(' ').length > 3)

describe('the runbook', () => {
  it.each([...new Set(messages)])('queries the log message "%s", which the code writes', (message) => {
    expect(code.includes(`'${message}'`)).toBe(true)
  })

  it.each([...new Set(reasons)])('explains the reason "%s", which the code gives', (reason) => {
    expect(code.includes(reason)).toBe(true)
  })

  it('has messages and reasons', () => {
    expect([messages.length > 3, reasons.length > 3]).toEqual([true, true])
  })
})
