import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { greyPng } from '../../cli/templates/sample-png.ts'
import { imageName } from '../../src/import/image-name.ts'
import { compileProgram, expectDone, putImage, putProgram } from '../fixtures/author-task.ts'
import { type CommandEnd, runCommand, startCommand } from '../fixtures/cli-program.ts'
import { packLayer, shellLayer } from '../fixtures/engine-image.ts'
import { HAS_SYSTEM_PYTHON, pythonLayer } from '../fixtures/python-layer.ts'

/*
 * Tasks that cytomine-task runs on this machine and in the service. Their images are built FROM scratch, because not every test machine
 * can pull base images.
 */

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'author-tasks-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const SERVICE = () => ['--remote', inject('baseUrl')]
const run = (...words: readonly string[]) => runCommand(['run', ...words, '--json'])

interface Shown {
  readonly outputs: readonly { readonly parameterName: string; readonly value: unknown }[]
}

/** Returns the values of outputs by name. */
function valuesOf({ stdout }: CommandEnd): Record<string, unknown> {
  const { outputs } = JSON.parse(stdout) as Shown
  return Object.fromEntries(outputs.map(({ parameterName, value }) => [parameterName, value]))
}

/** Runs an example on this machine, then in the service. @returns the values of the outputs, which must be equal */
async function runBoth(
  task: string,
  name: string,
  words: readonly string[],
): Promise<Record<string, unknown>> {
  const output = join(folder, `both-${name.split('/')[0]}`)
  const local = await run(task, ...words, '-o', join(output, 'local'))
  expectDone(local)
  expectDone(await runCommand(['upload', task, '--replace', '--yes', '--url', inject('baseUrl')]))
  const remote = await run(name, ...SERVICE(), ...words, '-o', join(output, 'remote'))
  expectDone(remote)
  expect(valuesOf(remote)).toEqual(valuesOf(local))
  return valuesOf(remote)
}

describe('a new task', () => {
  it.each(['c', 'shell'])('in %s runs on this machine without changes', async (language) => {
    const task = join(folder, `new-${language}`)
    expectDone(await runCommand(['init', task, '--lang', language]))
    if (language === 'c') await putProgram(task, join(task, 'main.c'))
    else {
      const tools = ['awk', 'mkdir', 'od', 'printf', 'sed'].map((name) => {
        return { name: `bin/${name}`, type: 'symlink' as const, linkname: 'busybox' }
      })
      const script = { name: 'main.sh', mode: 0o755, body: readFileSync(join(task, 'main.sh')) }
      await putImage(task, [await shellLayer(), await packLayer([...tools, script])], {
        Entrypoint: ['/main.sh'],
      })
    }
    const sample = (name: string) => `@${join(task, 'sample', name)}`

    const ended = await run(
      task,
      ...['-i', `image=${sample('image.png')}`, '-i', `factors=${sample('factors.json')}`],
      ...['-i', 'fraction=0.25', '-o', join(folder, 'outputs')],
    )

    expectDone(ended)
    expect(ended.stderr).toContain('image of 64 x 48 pixels')
    const { width, frame, areas } = valuesOf(ended)
    expect(width).toBe(64)
    expect(JSON.parse(String(frame))).toMatchObject({
      coordinates: [
        [
          [24, 18],
          [40, 18],
          [40, 30],
          [24, 30],
          [24, 18],
        ],
      ],
    })
    expect(areas).toMatchObject([{ value: 192 }, { value: 384 }, { value: 576 }])
  })

  it('can be uploaded and run in the service', async () => {
    const task = join(folder, 'published')
    expectDone(await runCommand(['init', task, '--lang', 'c', '--namespace', `org.example.t${process.pid}`]))
    await putProgram(task, join(task, 'main.c'))
    const name = `org.example.t${process.pid}.published/0.1.0`

    const uploaded = await runCommand(['upload', task, '--url', inject('baseUrl')])
    const again = await runCommand(['upload', task, '--url', inject('baseUrl')])
    const ended = await run(
      name,
      ...SERVICE(),
      ...[
        '-i',
        `image=@${join(task, 'sample/image.png')}`,
        '-i',
        'factors=[2]',
        '-o',
        join(folder, 'remote'),
      ],
    )

    expect(uploaded.stdout).toContain('installed')
    expect(again.stderr).toMatch(/is already installed.*raise "version"/u)
    expectDone(ended)
    expect(valuesOf(ended)).toMatchObject({ width: 64, areas: [{ value: 1536 }] })
    expect(readFileSync(join(folder, 'remote/width'), 'utf8')).toBe('64')
    expect((await runCommand(['runs', name, '--url', inject('baseUrl')])).stdout).toContain('FINISHED')
    expectDone(await runCommand(['delete', name, '--yes', '--url', inject('baseUrl')]))
  })
})

const BUILDERS = ['buildah', 'podman']
/** Builders that are installed on this machine. */
const INSTALLED = BUILDERS.filter((builder) => spawnSync(builder, ['version']).status === 0)

describe('build', () => {
  it.for(BUILDERS.filter((builder) => !INSTALLED.includes(builder)))(
    'reports that %s is missing, and what to do instead',
    async (builder) => {
      const task = join(folder, `unbuilt-${builder}`)
      expectDone(await runCommand(['init', task, '--lang', 'shell']))

      const { code, stderr } = await runCommand(['build', task, '--engine', builder])

      expect(code).toBe(3)
      expect(stderr).toMatch(
        new RegExp(`${builder} does not work here; install one .* or put an image archive`, 'u'),
      )
    },
  )

  it.for(INSTALLED)('with %s creates a bundle that runs and that the service installs', async (builder) => {
    const task = join(folder, `built-${builder}`)
    const namespace = `org.example.t${process.pid}`
    expectDone(await runCommand(['init', task, '--lang', 'c', '--namespace', namespace]))
    compileProgram(join(task, 'main.c'), join(task, 'main'))
    writeFileSync(
      join(task, 'Dockerfile'),
      'FROM scratch\nCOPY main /main\nUSER 65534:65534\nENTRYPOINT ["/main"]\n',
    )
    const image = imageName('localhost/cytomine-task', `${namespace}.built-${builder}`, '0.1.0')

    try {
      const built = await runCommand(['build', task, '--engine', builder, '--json'])
      const ended = await run(
        task,
        '--no-build',
        '-i',
        `image=@${join(task, 'sample/image.png')}`,
        '-o',
        join(folder, 'built-outputs'),
      )
      const uploaded = await runCommand(['upload', task, '--no-build', '--url', inject('baseUrl')])

      expectDone(built)
      const { bundle, imageLayers } = JSON.parse(built.stdout) as { bundle: string; imageLayers: object[] }
      expect(bundle).toBe(join(task, `.cytomine-task/${namespace}.built-${builder}-0.1.0.zip`))
      expect(imageLayers).toHaveLength(1)
      expectDone(ended)
      expect(ended.stderr).not.toContain('building')
      expect(valuesOf(ended)).toMatchObject({ width: 64 })
      expectDone(uploaded)
      expect(uploaded.stdout).toContain(`installed ${namespace}.built-${builder}`)
    } finally {
      spawnSync(builder, ['rmi', `${image.repository}:${image.tag}`])
    }
  })
})

describe.skipIf(!HAS_SYSTEM_PYTHON)('a task in Python', () => {
  let python: Buffer
  beforeAll(async () => {
    python = await pythonLayer()
  })

  async function putScript(task: string, name: string): Promise<void> {
    const layer = await packLayer([{ name: `app/${name}`, body: readFileSync(join(task, name)) }])
    await putImage(task, [python, layer], { Entrypoint: ['python', `/app/${name}`], User: '65534:65534' })
  }

  it('that was just created runs on this machine without changes', async () => {
    const task = join(folder, 'new-python')
    expectDone(await runCommand(['init', task]))
    await putScript(task, 'main.py')
    const image = `image=@${join(task, 'sample/image.png')}`

    const ended = await run(task, '-i', image, '-i', 'place=top-left', '-o', join(folder, 'python'))

    expectDone(ended)
    expect(valuesOf(ended)).toMatchObject({ width: 64, areas: [] })
  })

  it('that is the example threshold segments an image into an array of geometries', async () => {
    const task = join(folder, 'threshold')
    execFileSync('cp', ['-r', 'examples/threshold', task])
    await putScript(task, 'threshold.py')
    const image = join(folder, 'squares.png')
    const row = [...Array(6).fill(0), ...Array(4).fill(255)] as number[]
    writeFileSync(image, greyPng(Array.from({ length: 6 }, () => row)))

    const words = ['-i', `image=@${image}`, '-i', 'smallest=1']
    const { count, regions } = (await runBoth(task, 'org.example.threshold/1.0.0', words)) as {
      count: number
      regions: { value: string }[]
    }

    expect(count).toBe(1)
    // A corner at each pixel, clockwise from the top left, with y from the bottom.
    const up = [0, 1, 2, 3, 4, 5, 6]
    const down = up.toReversed().slice(1)
    const ring = [
      ...up.map((x) => [x, 6]),
      ...down.map((y) => [6, y]),
      ...down.map((x) => [x, 0]),
      ...up.slice(1).map((y) => [0, y]),
    ]
    expect(regions.map(({ value }) => JSON.parse(value))).toEqual([{ type: 'Polygon', coordinates: [ring] }])
  })
})

/** Facts that the probe task wrote about its container; those that differ for each container are left out. */
function surroundingsIn(outputs: string) {
  const linesOf = (name: string) => readFileSync(join(outputs, name), 'utf8').split('\n').filter(Boolean)
  const found = linesOf('surroundings')
  return {
    facts: found.filter((line) => /^(?:user|status|limit of \w+): /u.test(line)),
    mounts: new Set(found.filter((line) => line.startsWith('mount: ')).map((line) => line.split(' ')[2])),
    network: [...linesOf('network'), ...linesOf('connections')],
  }
}

describe('the container of a task', () => {
  it('has no network, and the user, limits and mounts that it has in the service', async () => {
    const task = join(folder, 'probe')
    const namespace = `org.example.t${process.pid}.probe`
    const descriptor = readFileSync('test/fixtures/probe-task/descriptor.yml', 'utf8')
    mkdirSync(task)
    writeFileSync(
      join(task, 'descriptor.yml'),
      descriptor.replace(/^namespace: .*$/mu, `namespace: ${namespace}`),
    )
    await putProgram(task, 'test/fixtures/probe-task/probe-task.c')
    const { hostname, port } = new URL(inject('baseUrl'))
    const address = `tcp ${hostname} ${port}`
    const words = ['-i', 'try_network=true', '-i', 'look_around=true', '-i', `connect=${address}`]

    expectDone(await run(task, ...words, '-o', join(folder, 'probe-local')))
    expectDone(await runCommand(['upload', task, '--url', inject('baseUrl')]))
    expectDone(await run(`${namespace}/1.0.0`, ...SERVICE(), ...words, '-o', join(folder, 'probe-remote')))

    const local = surroundingsIn(join(folder, 'probe-local'))
    expect(local).toEqual(surroundingsIn(join(folder, 'probe-remote')))
    expect(local.facts).toEqual(expect.arrayContaining(['user: 65534', 'limit of processes: 4096']))
    expect([...local.mounts]).toEqual(expect.arrayContaining(['/', '/inputs', '/outputs']))
    expect(local.network).toContainEqual(
      expect.stringMatching(/^tcp \S+ \d+: (?:Network (?:is )?unreachable|Connection refused)$/u),
    )
  })

  it('has its log shown while it runs', async () => {
    const words = ['-i', 'print=it has begun', '-i', 'sleep_seconds=3', '-o', join(folder, 'streamed')]
    let isOver = false

    const { written, ended } = startCommand(['run', 'test/fixtures/probe-task/probe-task.zip', ...words])
    const over = ended.finally(() => {
      isOver = true
    })
    await expect.poll(() => written.stderr, { timeout: 60_000 }).toContain('it has begun')

    expect(isOver).toBe(false)
    expectDone(await over)
  })
})

describe('the example add-and-echo', () => {
  it('adds two numbers and returns a text', async () => {
    const bundle = 'examples/add-and-echo/add-and-echo.zip'
    const words = ['-i', 'a=2', '-i', 'b=40', '-i', 'text=häll o']

    expect(await runBoth(bundle, 'org.example.add-and-echo/1.0.0', words)).toEqual({
      sum: 42,
      echo: 'häll o',
    })
  })
})

describe('the example scale-numbers', () => {
  it('multiplies each number of an array', async () => {
    const task = join(folder, 'scale-numbers')
    execFileSync('cp', ['-r', 'examples/scale-numbers', task])
    await putProgram(task, join(task, 'scale-numbers.c'))

    const words = ['-i', 'numbers=[1, 2.5, -3]', '-i', 'factor=10']
    const { products } = await runBoth(task, 'org.example.scale-numbers/1.0.0', words)

    expect(products).toMatchObject([{ value: 10 }, { value: 25 }, { value: -30 }])
  })

  it.each([
    ['a program that exits with 1', 'int main(void) { return 1; }', /task-failed.*exit code 1/u],
    [
      'a program that needs too much memory',
      '#include <stdlib.h>\n#include <string.h>\nint main(void) { for (;;) memset(malloc(1 << 20), 1, 1 << 20); }',
      /out-of-memory.*128 MiB.*configuration\.resources\.ram/u,
    ],
    [
      'a program that writes nothing',
      'int main(void) { return 0; }',
      /output-missing.*"products": the task has not written it/u,
    ],
  ])('reports why %s has failed', async (_, source, message) => {
    const task = join(folder, `broken-${message.source.slice(0, 6)}`)
    execFileSync('cp', ['-r', 'examples/scale-numbers', task])
    const file = join(folder, 'broken.c')
    writeFileSync(file, source)
    await putProgram(task, file)

    const { code, stderr } = await run(task, '-i', 'numbers=[1]', '-o', join(folder, 'broken'))

    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('The files that it wrote')
    expect(code).toBe(1)
  })

  it('keeps the files that a program wrote before it failed', async () => {
    const task = join(folder, 'half')
    execFileSync('cp', ['-r', 'examples/scale-numbers', task])
    const file = join(folder, 'half.c')
    writeFileSync(
      file,
      '#include <stdio.h>\nint main(void) { fputs("half", fopen("/outputs/notes", "w")); return 1; }',
    )
    await putProgram(task, file)
    const target = join(folder, 'half-written')

    const { code, stderr } = await run(task, '-i', 'numbers=[1]', '-o', target)

    expect(stderr).toMatch(/task-failed.*exit code 1[\s\S]*The files that it wrote are in/u)
    expect([code, readFileSync(join(target, 'notes'), 'utf8')]).toEqual([1, 'half'])
  })
})
