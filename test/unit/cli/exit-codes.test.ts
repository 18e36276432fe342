import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { EXIT, EXIT_MEANINGS, EXIT_NAMES } from '../../../cli/terminal/exit-codes.ts'
import { runCommand } from '../../fixtures/cli-program.ts'

const CODES = EXIT_NAMES.map((name) => [String(EXIT[name]), EXIT_MEANINGS[name]])

/** Cells of each row of a table in Markdown that follows a text, without the header. */
function tableAfter(text: string, start: string): readonly (readonly string[])[] {
  const [, table = ''] = text.slice(text.indexOf(start)).split('\n\n')
  const [, , ...rows] = table.split('\n')
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

describe('the exit codes', () => {
  it('are those of the documentation for task authors', () => {
    const text = readFileSync('docs/task-authors.md', 'utf8')

    expect(tableAfter(text, '**Exit codes**')).toEqual(CODES)
  })

  it.each([
    [['--help']],
    [['run', '--help']],
    [['upload', '--help']],
    [['help', 'validate']],
    [['run-set', '--help']],
    [['run-set', 'create', '--help']],
  ])('are in the help that %j prints', async (words) => {
    const { stdout } = await runCommand(words)

    const [, list = ''] = /\nExit codes:\n((?: +\d+ .*\n)+)/u.exec(stdout) ?? []
    const shown = [...list.matchAll(/^ +(\d+) +(.*)$/gmu)].map(([, code, meaning]) => [code, meaning])
    expect(shown).toEqual(CODES)
  })
})
