import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BASES, createTestImages, HAS_BUILDER, KEEP_NO_LAYERS } from '../fixtures/base-images.ts'
import { shellLayer } from '../fixtures/engine-image.ts'
import { gccLayer } from '../fixtures/gcc-layer.ts'
import { HAS_SYSTEM_PYTHON, pythonLayer } from '../fixtures/python-layer.ts'

/*
 * The examples and the template in C, built with their own Dockerfiles. Their base images are made from programs of this machine.
 */

const PROJECT = join(import.meta.dirname, '../..')
const execute = promisify(execFile)
const EXAMPLES = ['add-and-echo', 'scale-numbers', 'threshold']

let folder = ''
const images = createTestImages()
beforeAll(async () => {
  if (!HAS_BUILDER) return
  folder = mkdtempSync(join(tmpdir(), 'author-examples-'))
  cpSync('examples', join(folder, 'examples'), { recursive: true })
  mkdirSync(join(folder, 'bin'))
  const program = `#!/bin/sh\nexec '${process.execPath}' '${join(PROJECT, 'cli/main.ts')}' "$@"\n`
  writeFileSync(join(folder, 'bin/cytomine-task'), program, { mode: 0o755 })
  await shell('cytomine-task init new-c --lang c')
  const sources = [
    'new-c/main.c',
    'examples/scale-numbers/scale-numbers.c',
    'examples/add-and-echo/add-and-echo.c',
  ]
  const compiler = await gccLayer(sources.map((source) => join(folder, source)))
  images.provideBase(BASES.gcc, [await shellLayer(), compiler])
  if (HAS_SYSTEM_PYTHON) images.provideBase(BASES.python, [await pythonLayer()])
  for (const name of EXAMPLES) images.builtImage(`org.example.${name}`, '1.0.0')
  images.builtImage('org.example.new-c', '0.1.0')
})
afterAll(() => {
  images.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Runs a command in the folder with the examples. @returns its stdout */
async function shell(command: string): Promise<string> {
  const PATH = [join(folder, 'bin'), process.env.PATH].join(delimiter)
  const env = { ...process.env, ...KEEP_NO_LAYERS, PATH }
  return (await execute('sh', ['-c', command], { cwd: folder, env })).stdout
}

/** The command that the document names for an example. */
function documentedCommand(name: string): string {
  const text = readFileSync('docs/task-authors.md', 'utf8')
  const [, command] =
    new RegExp(`^\\| \\[${name}\\]\\(.*\`(cytomine-task run [^\`]+)\` \\|$`, 'mu').exec(text) ?? []
  if (command === undefined) throw new Error(`docs/task-authors.md names no command for ${name}`)
  return command
}

/** Values that a command prints, by the name of the output. */
async function valuesOf(command: string): Promise<Readonly<Record<string, unknown>>> {
  const { outputs } = JSON.parse(await shell(`${command} --json`)) as {
    readonly outputs: readonly { readonly parameterName: string; readonly value: unknown }[]
  }
  return Object.fromEntries(outputs.map(({ parameterName, value }) => [parameterName, value]))
}

describe.runIf(HAS_BUILDER)('the documented command', () => {
  const commands: readonly (readonly [string, object])[] = [
    ['add-and-echo', { sum: 5, echo: 'hello' }],
    ['scale-numbers', { products: [{ value: 2 }, { value: 5 }, { value: -6 }] }],
    ['threshold', { count: 3 }],
  ]
  const possible = commands.filter(([name]) => HAS_SYSTEM_PYTHON || name !== 'threshold')

  it.each(possible)('of the example %s runs it', async (name, expected) => {
    const values = await valuesOf(documentedCommand(name))

    expect(values).toMatchObject(expected)
  })
})

describe.runIf(HAS_BUILDER)('a Dockerfile that compiles C and copies the program into an empty image', () => {
  it('of the example add-and-echo makes a task that runs', async () => {
    const values = await valuesOf('cytomine-task run examples/add-and-echo -i a=2 -i b=40 -i text=häll')

    expect(values).toEqual({ sum: 42, echo: 'häll' })
  })

  it('of a new task makes a task that runs', async () => {
    const values = await valuesOf(
      'cytomine-task run new-c -i image=@new-c/sample/image.png -i place=top-left',
    )

    expect(values).toMatchObject({ width: 64, areas: [] })
    expect(JSON.parse(String(values.frame)).coordinates[0]).toContainEqual([0, 48])
  })
})
