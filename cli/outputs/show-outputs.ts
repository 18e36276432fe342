import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { quoted } from '../../src/contract/quoted.ts'
import type { Terminal } from '../terminal/terminal.ts'

/** Outputs listing of a run, and where its files were saved. */
export interface RunOutputs {
  readonly outputs: readonly {
    readonly parameterName: string
    readonly type: string
    readonly value?: unknown
  }[]
  /** Folder of the files; undefined when they were not requested. */
  readonly folder: string | undefined
  readonly files?: readonly string[]
}

/** Maximum length of a printed value. Longer ones are truncated; the file contains the complete value. */
const MAX_VALUE_LENGTH = 120

/** Prints each output with its value and the path of its file. */
export function showOutputs(terminal: Terminal, { outputs, folder, files = [] }: RunOutputs): void {
  terminal.json({ outputs, ...(folder !== undefined && { folder, files }) })
  terminal.table([
    ['OUTPUT', 'TYPE', 'VALUE', ...(folder === undefined ? [] : ['FILE'])],
    ...outputs.map(({ parameterName, type, value }) => [
      parameterName,
      type,
      shortened(value),
      ...(folder === undefined ? [] : [pathOf(folder, parameterName)]),
    ]),
  ])
}

/** Names the files of the output folder for which no output is declared. */
export function noteIgnored(terminal: Terminal, names: readonly string[]): void {
  if (names.length === 0) return
  terminal.note(
    `ignored in the output folder: ${names.map((name) => quoted(name)).join(', ')}; declare an output of that name in descriptor.yml to keep one`,
  )
}

function pathOf(folder: string, name: string): string {
  const path = join(folder, name)
  return existsSync(path) ? path : ''
}

function shortened(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (Array.isArray(value)) return `${value.length} item${value.length === 1 ? '' : 's'}`
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const line = text.replaceAll(/\s+/gu, ' ')
  return line.length <= MAX_VALUE_LENGTH ? line : `${line.slice(0, MAX_VALUE_LENGTH - 1)}…`
}
