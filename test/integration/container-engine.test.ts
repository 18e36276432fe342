import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, lstat, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { detectEngine } from '../../local/detect-engine.ts'
import { createContainerEngine, type EngineSettings } from '../../local/engine/container-engine.ts'
import type { ContainerEngine, RunEnd } from '../../local/engine/container-run.ts'
import { type LayerEntry, packLayer, shellLayer, writeArchive } from '../fixtures/engine-image.ts'

/*
 * Contract of all container engines. ENGINE selects docker, podman or embedded.
 */

const instance = `test-engine-${randomBytes(4).toString('hex')}`
let folder: string
let settings: EngineSettings
let engine: ContainerEngine
let shell: Buffer
let count = 0
const removals: Promise<unknown>[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'engine-'))
  await chmod(folder, 0o755)
  settings = (await detectEngine({ instance: `test-${process.pid}` })).settings
  engine = newEngine()
  shell = await shellLayer()
})

afterAll(async () => {
  await engine?.removeStaleContainers()
  await Promise.allSettled(removals)
  await rm(folder, { recursive: true, force: true })
})

function newEngine(): ContainerEngine {
  return createContainerEngine(settings, {
    instance,
    stateDirectory: folder,
    afterwards: (work) => void removals.push(work),
  })
}

interface ContainerSpec {
  /** The image's config. */
  readonly config?: object
  /** Layers above the one with the shell. */
  readonly layers?: readonly (readonly LayerEntry[])[]
  readonly script?: string
  readonly memoryMib?: number
  readonly signal?: AbortSignal
  readonly onOutput?: (text: string) => void
}

interface Outcome extends RunEnd {
  readonly output: string
  readonly outputs: string
}

/** Builds an image and runs a container of it. */
async function run(spec: ContainerSpec): Promise<Outcome> {
  count += 1
  const tag = `localhost/${instance}:${count}`
  const archive = join(folder, `${count}.tar`)
  const upper = await Promise.all((spec.layers ?? []).map(packLayer))
  const script = spec.script === undefined ? {} : { Entrypoint: ['/bin/sh', '-c', spec.script] }
  await writeArchive(archive, { tag, layers: [shell, ...upper], config: { ...script, ...spec.config } })
  await engine.images.load(archive)
  const root = join(folder, `job-${count}`)
  const outputs = join(root, 'outputs')
  await mkdir(outputs, { recursive: true })
  await chmod(outputs, 0o777)
  const chunks: Buffer[] = []
  const end = await engine.run({
    task: {
      container: {
        name: 'task',
        image: tag,
        command: [],
        environment: [],
        essential: true,
        dependsOn: [],
        mountPoints: [{ sourceVolume: 'outputs', containerPath: '/outputs', readOnly: false }],
        resourceRequirements: [
          { type: 'VCPU', value: '1' },
          { type: 'MEMORY', value: String(spec.memoryMib ?? 64) },
        ],
      },
      jobId: `job-${count}`,
      attempt: 1,
      instance,
      root,
      directories: { outputs },
    },
    logs: {
      name: 'log',
      async append(source) {
        for await (const chunk of source) {
          chunks.push(chunk)
          spec.onOutput?.(Buffer.concat(chunks).toString())
        }
      },
      close: async () => {},
    },
    signal: spec.signal ?? new AbortController().signal,
    onStarted: () => {},
  })
  return { ...end, output: Buffer.concat(chunks).toString(), outputs }
}

describe('a container', () => {
  it('has environment variables of its image and of the engine only', async () => {
    process.env.SECRET_OF_THE_HOST = 'x'
    const { output } = await run({ config: { Entrypoint: ['/bin/env'], Env: ['GREETING=a=b c', 'EMPTY='] } })
    delete process.env.SECRET_OF_THE_HOST

    const lines = output.trim().split('\n')
    expect(lines).toContain('GREETING=a=b c')
    expect(lines).toContain('EMPTY=')
    const names = new Set(lines.map((line) => line.split('=', 1)[0]))
    const known = new Set(['PATH', 'TERM', 'HOME', 'HOSTNAME', 'container', 'GREETING', 'EMPTY'])
    expect(names.isSubsetOf(known)).toBe(true)
  })

  it.each([
    ['', '0 0 /root'],
    ['app', '1000 1000 /home/app'],
    ['1000:1001', '1000 1001 /home/app'],
    ['app:more', '1000 1001 /home/app'],
  ])('runs as the user "%s" of its image', async (User, expected) => {
    const { output } = await run({ script: 'echo $(id -u) $(id -g) $HOME', config: { User } })

    expect(output.trim()).toBe(expected)
  })

  it('starts in its working directory, which is created if it is missing', async () => {
    const { output } = await run({ script: 'pwd', config: { WorkingDir: '/made/for/it' } })

    expect(output.trim()).toBe('/made/for/it')
  })

  it('ends with the exit code of its program', async () => {
    const end = await run({ script: 'exit 7' })

    expect([end.exitCode, end.reason]).toEqual([7, undefined])
  })

  it('logs output to stdout and stderr, and to /dev/stdout and /dev/stderr', async () => {
    const { output } = await run({
      script: 'echo one; echo two >&2; echo three >/dev/stdout; echo four >/dev/stderr',
    })

    expect(output.trim().split('\n').sort()).toEqual(['four', 'one', 'three', 'two'])
  })

  it('leaves readable outputs, even if the task removed their permissions', async () => {
    const script = 'mkdir /outputs/d; echo x >/outputs/d/f; chmod 0 /outputs/d/f; chmod 0 /outputs/d'
    const { outputs } = await run({ script })

    expect(await readFile(join(outputs, 'd/f'), 'utf8')).toBe('x\n')
  })

  it('cannot use a set-id program in its outputs, and leaves none that belongs to root', async () => {
    const script =
      'cp /bin/busybox /outputs/gain; chmod 6755 /outputs/gain; stat -c %a /outputs; mount | grep /outputs'
    const { output, outputs } = await run({ script })

    // docker has no such mount option for folders. There, no_new_privs and the closed folder of the job protect the host.
    if (settings.kind !== 'docker') expect(output).toMatch(/nosuid.*nodev|nodev.*nosuid/u)
    const { mode, uid } = await stat(join(outputs, 'gain'))
    const gives = (mode & 0o6000) === 0 ? 'nothing' : uid === 0 ? 'root' : 'a user of containers'
    const isRoot = process.getuid?.() === 0
    if (settings.kind === 'embedded') expect(gives).toBe(isRoot ? 'a user of containers' : 'nothing')
  })

  it('does not change its image', async () => {
    const layers = [[{ name: 'data/file', body: 'original' }]]
    await run({ layers, script: 'echo changed >/data/file; rm -rf /bin' })
    const { output } = await run({ layers, script: 'cat /data/file' })

    expect(output.trim()).toBe('original')
  })

  it('ends with an OutOfMemoryError when it exceeds its memory', async () => {
    const script = 'x=x; while :; do x=$x$x; done'
    const end = await run({ script, memoryMib: 16 })

    expect(end.reason).toMatch(/^OutOfMemoryError/u)
  })

  it('gets no more CPU time than its limit', async () => {
    // Without the limit, two loops use twice the time on two idle processors.
    const loops = 'a() { while :; do :; done; }; a & p=$!; a & q=$!; sleep 3; kill $p $q; wait; times'
    const { output } = await run({ script: loops })

    const [, minutes, seconds] = /^(\d+)m([\d.]+)s/u.exec(output.trim().split('\n').at(-1) ?? '') ?? []
    const used = Number(minutes) * 60 + Number(seconds)
    expect(used).toBeGreaterThan(0)
    expect(used).toBeLessThan(4)
  })

  it('has a lower priority than the local stack, unless the daemon of Docker starts it', async () => {
    const { output } = await run({ script: '/bin/busybox cut -d " " -f 19 /proc/self/stat' })

    expect(Number(output)).toBeGreaterThanOrEqual(engine.kind === 'docker' ? 0 : 10)
  })

  it('ends with all its processes when it is stopped', async () => {
    const controller = new AbortController()
    const end = await run({
      script: '(trap "" TERM; sleep 600) & sleep 600 & echo up; trap "" TERM; wait',
      signal: controller.signal,
      onOutput: (text) => text.includes('up') && controller.abort(),
    })

    expect(end.exitCode).not.toBe(0)
    await expect.poll(() => engine.listContainers(), { timeout: 20_000 }).toEqual([])
  })
})

describe('a container that cannot start', () => {
  it.each([
    ['its command is missing', { Entrypoint: ['/nowhere'] }, /exec: "\/nowhere": .*no such file/u],
    [
      'its command is in no folder of PATH',
      { Entrypoint: ['nowhere'] },
      /"nowhere": executable file not found/u,
    ],
    [
      'its command is not executable',
      { Entrypoint: ['/etc/passwd'] },
      /exec: "\/etc\/passwd": permission denied/u,
    ],
    [
      'its user is unknown',
      { Entrypoint: ['/bin/sh'], User: 'nobody-here' },
      /unable to find user nobody-here/u,
    ],
  ])('reports that %s', async (_, config, expected) => {
    const end = await run({ config })

    expect(end.reason).toMatch(/^CannotStartContainerError: /u)
    expect(end.reason).toMatch(expected)
  })

  it('logs that the interpreter of a script is missing', async () => {
    const layers = [[{ name: 'script', mode: 0o755, body: '#!/no/such/interpreter\n' }]]
    const end = await run({ layers, config: { Entrypoint: ['/script'] } })

    expect(`${end.output}${end.reason ?? ''}`).toMatch(/no such file or directory/u)
  })
})

describe('an image of several layers', () => {
  it('hides files that a later layer removed, and keeps files that it added', async () => {
    const { output } = await run({
      layers: [
        [
          { name: 'a/gone', body: '1' },
          { name: 'a/kept', body: '1' },
          { name: 'b/old', body: '1' },
        ],
        [{ name: 'a/.wh.gone' }, { name: 'b/.wh..wh..opq' }, { name: 'b/new', body: '2' }],
      ],
      script: 'ls /a /b',
    })

    expect(output.trim().split(/\s+/u)).toEqual(['/a:', 'kept', '/b:', 'new'])
  })

  it('has links, and files whose set-id bits have no effect', async () => {
    const { output } = await run({
      layers: [
        [
          { name: 'one', body: 'content' },
          { name: 'two', type: 'link', linkname: 'one' },
          { name: 'three', type: 'symlink', linkname: 'two' },
          { name: 'rights', mode: 0o6755, body: 'x' },
        ],
      ],
      script: 'cat /two /three; stat -c %h /one',
    })

    expect(output).toBe('contentcontent2\n')
  })

  it('cannot write to the host through its links', async () => {
    const victim = join(folder, 'victim')
    await mkdir(victim)
    await run({
      layers: [
        [
          { name: 'out', type: 'symlink', linkname: victim },
          { name: 'up', type: 'symlink', linkname: '../../../../../../../../..' },
          { name: `up${victim}/by-parents`, body: 'x' },
          { name: 'out/by-link', body: 'x' },
        ],
        [{ name: 'out/by-next-layer', body: 'x' }],
      ],
      script: 'true',
    }).catch(() => undefined)

    expect(await stat(victim).then(({ nlink }) => nlink)).toBe(2)
    for (const name of ['by-parents', 'by-link', 'by-next-layer']) {
      await expect(lstat(join(victim, name))).rejects.toThrow('ENOENT')
    }
  })
})

describe('a hostile image', () => {
  it('cannot block the start of its container by a named pipe in place of a file', async () => {
    const { output } = await run({
      layers: [[{ name: 'etc/hosts', type: 'fifo' }]],
      script: 'echo started',
    })

    expect(output).toContain('started')
  })

  it('cannot execute code in the launcher by its Python modules', async () => {
    const marker = 'raise SystemExit("from the image")'
    const folders = ['usr/lib/python3.10', 'usr/lib/python3.11', 'usr/lib/python3.12', 'usr/lib/python3.13']
    const modules = ['traceback', 'encodings/idna', 'socket', 'struct', 'linecache']
    const layer = folders.flatMap((path) =>
      modules.map((name) => ({ name: `${path}/${name}.py`, body: marker })),
    )
    const { output } = await run({ layers: [layer], script: 'echo started' })

    expect(output.trim()).toBe('started')
  })
})

describe('containers of a server that was killed', () => {
  it('are removed by the next server', async () => {
    const program = `
      const { createContainerEngine } = await import(${JSON.stringify(join(import.meta.dirname, '../../local/engine/container-engine.ts'))})
      const settings = ${JSON.stringify(settings)}
      const engine = createContainerEngine(settings, { instance: '${instance}', stateDirectory: '${folder}', afterwards() {} })
      await engine.images.load(process.argv[1])
      await engine.run({ task: JSON.parse(process.argv[2]), signal: new AbortController().signal, onStarted() {},
        logs: { async append(source) { for await (const _ of source) process.stdout.write('up') }, async close() {} } })`
    const tag = `localhost/${instance}:killed`
    const archive = join(folder, 'killed.tar')
    await writeArchive(archive, {
      tag,
      layers: [shell],
      config: { Entrypoint: ['/bin/sh', '-c', 'echo up; sleep 600'] },
    })
    const root = join(folder, 'killed')
    await mkdir(root)
    const container = {
      ...{ name: 'task', image: tag, command: [], environment: [], essential: true, dependsOn: [] },
      ...{ mountPoints: [], resourceRequirements: [{ type: 'MEMORY', value: '64' }] },
    }
    const task = { container, jobId: 'killed', attempt: 1, instance, root, directories: {} }
    const words = ['--input-type=module', '-e', program, archive, JSON.stringify(task)]
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    expect(await engine.listContainers()).toHaveLength(1)
    child.kill('SIGKILL')

    await newEngine().removeStaleContainers()

    expect(await engine.listContainers()).toEqual([])
    expect(existsSync(join(folder, 'scratch'))).toBe(false)
  })
})
