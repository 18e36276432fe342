import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { BASES, BUILDER, createTestImages, HAS_BUILDER, KEEP_NO_LAYERS } from '../fixtures/base-images.ts'
import { packLayer, shellLayer } from '../fixtures/engine-image.ts'
import { HAS_SYSTEM_PYTHON, pythonLayer } from '../fixtures/python-layer.ts'

/*
 * The path of a new author: the package alone, in an empty folder, from the first command to the deleted task. Each step prints its
 * duration and its output.
 */

const execute = promisify(execFile)
/** Time that an author needs at most for all of it, in milliseconds. */
const TEN_MINUTES = 600_000
const NAMESPACE = `org.example.p${process.pid}`
const NAME = `${NAMESPACE}.my-task/0.1.0`

let folder = ''
/** Folder with the tarball, as in a clone. */
let clone = ''
let tarball = ''
const images = createTestImages()
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'author-package-'))
  clone = mkdtempSync(join(tmpdir(), 'author-clone-'))
  const target = join(clone, '.local')
  execFileSync(process.execPath, ['cli/package/build.ts', join(target, 'source')])
  execFileSync('npm', ['pack', '--pack-destination', target, join(target, 'source')])
  tarball = join(target, readdirSync(target).find((name) => name.endsWith('.tgz')) ?? '')
})
afterAll(() => {
  images.close()
  for (const one of [folder, clone]) rmSync(one, { recursive: true, force: true })
})

interface Place {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a step, and prints it. */
async function step(words: readonly [string, ...string[]], { cwd, env }: Place): Promise<string> {
  const startedAt = performance.now()
  const [program, ...rest] = words
  const all = {
    ...process.env,
    npm_config_offline: 'true',
    npm_config_cache: join(folder, 'npm-cache'),
    XDG_CACHE_HOME: join(folder, 'cache'),
    ...KEEP_NO_LAYERS,
    ...env,
  }
  const { stdout, stderr } = await execute(program, rest, { cwd, env: all, timeout: TEN_MINUTES })
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`${words.join(' ')} (${seconds} s)\n${stdout}${stderr}`)
  return stdout
}

describe.runIf(HAS_BUILDER)('a new author with the package alone', () => {
  it('comes from an empty folder to the outputs of a run in the service in ten minutes', async () => {
    const tools = ['awk', 'mkdir', 'od', 'printf', 'sed'].map((name) => {
      return { name: `bin/${name}`, type: 'symlink' as const, linkname: 'busybox' }
    })
    images.provideBase(BASES.shell, [await shellLayer(), await packLayer(tools)])
    images.builtImage(`${NAMESPACE}.my-task`, '0.1.0')
    const cwd = join(folder, 'empty')
    mkdirSync(cwd)
    const startedAt = performance.now()

    await step(['npm', 'install', '--global', '--no-audit', '--prefix', folder, tarball], { cwd })
    const version = await step(['npx', '--yes', '--package', tarball, 'cytomine-task', '--version'], { cwd })
    const program = join(folder, 'bin/cytomine-task')
    const cytomine = (...words: readonly string[]) => step([program, ...words], { cwd })
    await cytomine('init', 'my-task', '--lang', 'shell', '--namespace', NAMESPACE)
    editOneLine(join(cwd, 'my-task/main.sh'), 'frame of $fraction of it', 'a frame of $fraction of it')
    const valid = await cytomine('validate', 'my-task')
    const inputs = ['-i', 'image=@my-task/sample/image.png', '-i', 'factors=@my-task/sample/factors.json']
    await cytomine('run', 'my-task', ...inputs, '-o', 'local')
    const built = await cytomine('build', 'my-task', '--engine', BUILDER)
    const service = ['--url', inject('baseUrl')]
    const uploaded = await cytomine('upload', 'my-task', '--no-build', ...service)
    await cytomine('run', NAME, '--remote', inject('baseUrl'), ...inputs, '-o', 'remote')
    const [run] = JSON.parse(await cytomine('runs', NAME, ...service, '--json')) as { readonly id: string }[]
    await cytomine('outputs', run?.id ?? '', '-o', 'again', ...service)
    await cytomine('delete', NAME, '--yes', ...service)
    const tasks = await cytomine('tasks', ...service)

    expect(version.trim()).toMatch(/^\d+\.\d+\.\d+$/u)
    expect(valid).toContain(`no problems in ${NAMESPACE}.my-task 0.1.0`)
    expect(built).toContain(`${NAMESPACE}.my-task-0.1.0.zip`)
    expect(uploaded).toContain(`installed ${NAMESPACE}.my-task 0.1.0`)
    for (const output of ['width', 'frame', 'areas/0', 'areas/1', 'areas/2']) {
      const [here, ...there] = ['local', 'remote', 'again'].map((one) => {
        return readFileSync(join(cwd, one, output), 'utf8')
      })
      expect(there).toEqual([here, here])
    }
    expect(readFileSync(join(cwd, 'remote/width'), 'utf8')).toBe('64')
    expect(tasks).not.toContain(NAMESPACE)
    expect(performance.now() - startedAt).toBeLessThan(TEN_MINUTES)
  })

  it.skipIf(!HAS_SYSTEM_PYTHON)('can follow the tutorial word for word', async () => {
    images.provideBase(BASES.python, [await pythonLayer()])
    images.builtImage('org.example.my-task', '0.1.0')
    const { port, href } = new URL(inject('baseUrl'))
    const env = {
      npm_config_prefix: join(folder, 'tutorial'),
      PATH: `${join(folder, 'tutorial/bin')}:${process.env.PATH}`,
      PORT: port,
    }
    let cwd = clone
    let last = ''
    for (const command of tutorialCommands()) {
      if (command.startsWith('cd ')) {
        cwd = join(cwd, command.slice('cd '.length))
        continue
      }
      const [id = ''] = /[0-9a-f-]{36}/u.exec(last) ?? []
      const line = command
        .replace('http://127.0.0.1:8080/app-engine/v1/', href)
        .replace(/\bRUN\b/u, id)
        .replace(/cytomine-task-\d[\d.]*\.tgz/u, tarball.split('/').at(-1) ?? '')
      last = await step(['sh', '-c', line], { cwd, env })
    }
    await step(['sh', '-c', 'cytomine-task delete org.example.my-task/0.1.0 --yes'], { cwd, env })

    expect(last).toMatch(/^width +INTEGER +64 /mu)
    expect(readFileSync(join(cwd, 'outputs/width'), 'utf8')).toBe('64')
  })
})

function editOneLine(file: string, before: string, after: string): void {
  const text = readFileSync(file, 'utf8')
  expect(text.split(before)).toHaveLength(2)
  writeFileSync(file, text.replace(before, after))
}

/** Shell commands of the first tutorial in docs/task-authors.md, in order. */
function tutorialCommands(): readonly string[] {
  const [, tutorial = ''] =
    /\n## Ten minutes\n(.*?)\n## /su.exec(readFileSync('docs/task-authors.md', 'utf8')) ?? []
  const blocks = [...tutorial.matchAll(/^ *```sh\n(.*?)^ *```$/gmsu)].map(([, block = '']) => block)
  const commands = blocks.flatMap((block) => block.split('\n').map((line) => line.trim()))
  // A newcomer has neither the package nor a service: both are explained before they are used.
  for (const [cure, use] of [
    ['npm run task:package', 'npm install --global'],
    ['npm start', '--url http'],
  ] as const) {
    expect(tutorial).toContain(cure)
    expect(tutorial.indexOf(cure)).toBeLessThan(tutorial.indexOf(use))
  }
  expect(blocks.length).toBeGreaterThan(6)
  return commands.filter((line) => line !== '')
}
