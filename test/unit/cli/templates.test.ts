import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommand } from '../../fixtures/cli-program.ts'

const LANGUAGES = ['python', 'c', 'shell'] as const
/** Tasks with a Dockerfile, by what they are called in the names of tests. */
const TASKS = [
  ...LANGUAGES.map((name) => ({ title: `a new task in ${name}`, name })),
  ...['add-and-echo', 'scale-numbers', 'threshold'].map((name) => ({ title: `the example ${name}`, name })),
]
const EXECUTABLE = 0o111

let folder = ''
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'templates-'))
  for (const language of LANGUAGES) {
    const { code, stderr } = await runCommand(['init', join(folder, `in-${language}`), '--lang', language])
    if (code !== 0) throw new Error(stderr)
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Instruction {
  readonly word: string
  readonly rest: string
}

/** One stage of a Dockerfile: the image that it starts from, and its instructions. */
interface Stage {
  readonly from: string
  readonly instructions: readonly Instruction[]
}

function taskOf(name: string): string {
  return LANGUAGES.some((language) => language === name) ? join(folder, `in-${name}`) : join('examples', name)
}

function stagesOf(name: string): readonly Stage[] {
  const text = readFileSync(join(taskOf(name), 'Dockerfile'), 'utf8')
  return text
    .split(/^(?=FROM )/mu)
    .filter((stage) => stage.startsWith('FROM '))
    .map((stage) => {
      const [from = { word: '', rest: '' }, ...instructions] = [...stage.matchAll(/^([A-Z]+) +(.*)$/gmu)].map(
        ([, word = '', rest = '']) => ({ word, rest }),
      )
      return { from: from.rest, instructions }
    })
}

/** Sources and target of a COPY; `stage` is set if it copies from another stage. */
function copyOf({ rest }: Instruction) {
  const words = rest.split(/\s+/u)
  const flags = words.filter((word) => word.startsWith('--'))
  const paths = words.filter((word) => !word.startsWith('--'))
  return {
    stage: flags.find((flag) => flag.startsWith('--from='))?.slice('--from='.length),
    mode: flags.find((flag) => flag.startsWith('--chmod='))?.slice('--chmod='.length),
    sources: paths.slice(0, -1),
    target: paths.at(-1) ?? '',
  }
}

/** Paths of all files below a folder. */
const filesIn = (root: string): readonly string[] =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(root, path)).isFile())
    .sort()

const copiesOf = ({ instructions }: Stage) => instructions.filter(({ word }) => word === 'COPY').map(copyOf)

describe.each(TASKS)('$title', ({ name }) => {
  it('names the schema for editors in the first line of its descriptor', () => {
    const [first = ''] = readFileSync(join(taskOf(name), 'descriptor.yml'), 'utf8').split('\n')
    const [, schema = ''] = /^# yaml-language-server: \$schema=(\S+)$/u.exec(first) ?? []

    const written = readFileSync(join(taskOf(name), schema), 'utf8')
    expect(JSON.parse(written)).toEqual(JSON.parse(readFileSync('docs/task.schema.json', 'utf8')))
  })
})

describe.each(TASKS)('the Dockerfile of $title', ({ name }) => {
  it('starts from images of a fixed version with their registry, or from scratch', () => {
    for (const { from } of stagesOf(name)) {
      expect(from).toMatch(/^(?:scratch|[a-z.]+\.[a-z]+\/\S+:\d[\w.-]*(?: AS [a-z]+)?)$/u)
    }
  })

  it('copies only files of the folder and of earlier stages', () => {
    const stages = stagesOf(name)
    const names = stages.map(({ from }) => / AS (.*)$/u.exec(from)?.[1])
    for (const [index, stage] of stages.entries()) {
      for (const { stage: earlier, sources } of copiesOf(stage)) {
        expect(sources.length).toBeGreaterThan(0)
        if (earlier !== undefined) expect(names.slice(0, index)).toContain(earlier)
        else for (const source of sources) expect(statSync(join(taskOf(name), source)).isFile()).toBe(true)
      }
    }
  })

  it('starts a file that it copies, as a list of words, and makes it executable where no interpreter is named', () => {
    const last = stagesOf(name).at(-1)
    if (last === undefined) throw new Error('the Dockerfile has no stage')
    const entry = last.instructions.find(({ word }) => word === 'ENTRYPOINT')
    const words = JSON.parse(entry?.rest ?? '') as readonly string[]
    const copy = copiesOf(last).find(({ target }) => target === words.at(-1))
    expect(copy).toBeDefined()
    if (words.length > 1 || copy?.stage !== undefined) return
    expect(Number.parseInt(copy?.mode ?? '0', 8) & EXECUTABLE).toBe(EXECUTABLE)
    // Linux keeps this mode where the builder does not know --chmod.
    expect(statSync(join(taskOf(name), copy?.sources[0] ?? '')).mode & EXECUTABLE).toBe(EXECUTABLE)
  })

  it('runs the task as a user without privileges', () => {
    const users = stagesOf(name)
      .at(-1)
      ?.instructions.filter(({ word }) => word === 'USER')

    expect(users?.map(({ rest }) => rest)).toEqual(['65534:65534'])
  })
})

it.each(LANGUAGES)(
  'the program of a new task in %s has no format that loses digits of results',
  (language) => {
    const name = { python: 'main.py', c: 'main.c', shell: 'main.sh' }[language]
    const written = readFileSync(join(taskOf(language), name), 'utf8')

    for (const line of written.split('\n'))
      if (line.includes('coordinates')) expect(line).not.toMatch(/%[gs]/u)
  },
)

it('init --json lists the files of the new task', async () => {
  const target = join(folder, 'as-json')

  const { code, stdout } = await runCommand(['init', target, '--json'])

  const { files, ...rest } = JSON.parse(stdout) as { readonly files: readonly string[] }
  expect(rest).toEqual({ folder: target })
  expect([...files].sort()).toEqual(filesIn(target))
  expect(code).toBe(0)
})
