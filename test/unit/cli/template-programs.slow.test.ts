import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommand } from '../../fixtures/cli-program.ts'
import { isAvailable } from '../../fixtures/requirement.ts'

/* The programs of new tasks, run on this machine without a container: the folders of inputs and outputs are replaced in their text. */

const works = (program: string): boolean => spawnSync(program, ['--version']).status === 0

interface Language {
  readonly name: string
  readonly file: string
  /** Whether this machine can run it. */
  readonly isHere: boolean
  /** Folder of the outputs as the program sees it, in place of `/outputs`. */
  readonly outputs: string
  /** Runs the file in a folder. */
  run(cwd: string): void
}

const LANGUAGES: readonly Language[] = [
  {
    name: 'python',
    file: 'main.py',
    isHere: isAvailable('python3', works('python3')),
    outputs: 'outputs',
    run: (cwd) => execFileSync('python3', ['main.py'], { cwd }),
  },
  {
    name: 'c',
    file: 'main.c',
    isHere: isAvailable('gcc', works('gcc')),
    outputs: 'outputs',
    run(cwd) {
      execFileSync('gcc', ['-Wall', '-Werror', '-o', 'main', 'main.c'], { cwd })
      execFileSync(join(cwd, 'main'), { cwd })
    },
  },
  {
    name: 'shell',
    file: 'main.sh',
    isHere: true,
    // The program changes to the folder of the inputs.
    outputs: '../outputs',
    run: (cwd) => execFileSync('sh', ['main.sh'], { cwd }),
  },
]

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'template-programs-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Values {
  readonly width: number
  readonly height: number
  readonly fraction: string
  readonly place: string
}

/** Runs the program of a new task. @returns a reader of its outputs */
async function runTemplate(
  { name, file, run, outputs }: Language,
  { width, height, ...texts }: Values,
): Promise<(output: string) => string> {
  const place = mkdtempSync(join(folder, `${name}-`))
  const { code, stderr } = await runCommand(['init', join(place, 'task'), '--lang', name])
  if (code !== 0) throw new Error(stderr)
  for (const path of ['inputs/factors', 'outputs']) mkdirSync(join(place, path), { recursive: true })
  const image = Buffer.alloc(24)
  image.writeUInt32BE(width, 16)
  image.writeUInt32BE(height, 20)
  const values = { image, ...texts, 'factors/array.yml': 'size: 1', 'factors/0': '1' }
  for (const [path, value] of Object.entries(values)) writeFileSync(join(place, 'inputs', path), value)
  const program = readFileSync(join(place, 'task', file), 'utf8')
  writeFileSync(join(place, file), program.replaceAll('/inputs', 'inputs').replaceAll('/outputs', outputs))
  run(place)
  return (output) => readFileSync(join(place, 'outputs', output), 'utf8')
}

describe.each(LANGUAGES)('the program of a new task in $name', (language) => {
  it.skipIf(!language.isHere)('writes all digits of coordinates and areas of a slide', async () => {
    const slide = { width: 64_001, height: 48_001, fraction: '0.5', place: 'center' }

    const read = await runTemplate(language, slide)

    expect(read('width')).toBe('64001')
    expect(read('areas/0')).toBe(String(64_001 * 48_001 * 0.25))
    const { coordinates } = JSON.parse(read('frame')) as { readonly coordinates: readonly unknown[] }
    expect(coordinates[0]).toContainEqual([16_000.25, 12_000.25])
    expect(coordinates[0]).toContainEqual([48_000.75, 36_000.75])
  })

  it.skipIf(!language.isHere)('puts the frame at the top of the image, where y is the height', async () => {
    const image = { width: 64, height: 48, fraction: '0.25', place: 'top-left' }

    const read = await runTemplate(language, image)

    const corners = [
      [0, 36],
      [16, 36],
      [16, 48],
      [0, 48],
      [0, 36],
    ]
    expect(JSON.parse(read('frame'))).toEqual({ type: 'Polygon', coordinates: [corners] })
  })
})
