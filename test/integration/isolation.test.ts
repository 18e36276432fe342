import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { callOk, installTask, outputsOf, startRun, waitForState } from './engine-client.ts'

/** Value of an input of another run. */
const SECRET_OF_ANOTHER = 'what-only-the-other-run-may-see'

/** Addresses that a task must not reach, by description. */
function addresses(): Readonly<Record<string, string>> {
  const tcp = (url: string): string => {
    const { hostname, port } = new URL(url)
    return `tcp ${hostname} ${port}`
  }
  return {
    'the metadata of the machine': 'tcp 169.254.169.254 80',
    'the credentials of the ECS task': 'tcp 169.254.170.2 80',
    'the API': tcp(inject('apiUrl')),
    'the edge': tcp(inject('baseUrl')),
    'the emulator': tcp(inject('emulatorUrl')),
    'the Batch server': tcp(inject('batchUrl')),
    'a host on the internet': 'tcp 1.1.1.1 443',
    'a name server of the VPC': 'udp 169.254.169.253 53',
    'a name server on the internet': 'udp 8.8.8.8 53',
  }
}

/** Lines of the task's output `surroundings`, by the word before the colon. */
const seen = new Map<string, string[]>()
let environment: string
let connections: readonly string[]
let interfaces: readonly string[]
const linesOf = (text: unknown): string[] => String(text).split('\n').filter(Boolean)

/** A run of the probe task inspects its container, while another run is in progress. */
beforeAll(async () => {
  const probe = await installTask('test/fixtures/probe-task/probe-task.zip', 'org.example.probe-task')
  const other = await startRun(probe, { print: SECRET_OF_ANOTHER, sleep_seconds: 60 })
  await waitForState(other, ['RUNNING'])

  const run = await startRun(probe, {
    list_environment: true,
    look_around: true,
    try_network: true,
    connect: Object.values(addresses()).join('\n'),
  })
  await waitForState(run, ['FINISHED'])

  const outputs = await outputsOf(run)
  environment = String(outputs.environment)
  connections = linesOf(outputs.connections)
  interfaces = linesOf(outputs.network).filter((line) => line.startsWith('interface'))
  for (const line of linesOf(outputs.surroundings)) {
    const [word = '', rest = ''] = line.split(': ', 2)
    seen.set(word, [...(seen.get(word) ?? []), rest])
  }
  await callOk('DELETE', other)
})

const mounts = () => (seen.get('mount') ?? []).map((line) => line.split(' '))

describe('a task in its container', () => {
  it('has only the environment variables of its image and of the engine', () => {
    const names = linesOf(environment).map((line) => line.split('=', 1)[0])

    expect(new Set(names).isSubsetOf(new Set(['PATH', 'TERM', 'HOME', 'HOSTNAME', 'container']))).toBe(true)
  })

  it.each(Object.keys(addresses()))('does not reach %s', (what) => {
    const line = connections.find((connection) => connection.startsWith(`${addresses()[what]}: `))

    expect(line).toMatch(/: (?:Network unreachable|Network is unreachable|Connection refused)$/u)
  })

  it('has no usable network interface', () => {
    // The kernel creates the excluded interfaces in every network namespace; they are not connected.
    expect(interfaces.filter((line) => !/: (?:lo|tunl0|sit0|ip6?\w*|gre\w*|erspan0)$/u.test(line))).toEqual(
      [],
    )
  })

  it('sees its own inputs and no files of another run', () => {
    const files = seen.get('file') ?? []

    expect(files.filter((path) => path.startsWith('/inputs/')).sort()).toEqual([
      '/inputs/connect 666',
      '/inputs/list_environment 666',
      '/inputs/look_around 666',
      '/inputs/try_network 666',
    ])
    expect(environment).not.toContain(SECRET_OF_ANOTHER)
    expect(files.filter((path) => /sleep_seconds|print/u.test(path))).toEqual([])
  })

  it('may write to its two folders as any user', () => {
    const folders = seen.get('folder') ?? []

    expect(folders).toContain('/inputs 777')
    expect(folders).toContain('/outputs 777')
  })

  it('has its two folders mounted, and otherwise only what every container has', () => {
    const engineFiles = [
      '/etc/hosts',
      '/etc/hostname',
      '/etc/resolv.conf',
      '/run/.containerenv',
      '/run/secrets',
    ]
    const targets = mounts()
      .filter(([, target = '']) => !/^\/(?:proc|sys|dev)(?:\/|$)/u.test(target))
      .map(([, target = '']) => target)
      .filter((target) => !engineFiles.includes(target))

    expect(targets.sort()).toEqual(['/', '/inputs', '/outputs'])
  })

  it('finds no sockets of the container engine or other programs', () => {
    expect(seen.get('socket') ?? []).toEqual([])
  })

  it('cannot write to /proc and /sys of the host', () => {
    expect(seen.get('writable') ?? []).toEqual([])
  })

  it('sees only its own processes', () => {
    expect(seen.get('process')).toEqual(['1'])
  })

  it('may not load modules, mount, or trace other processes', () => {
    const [capabilities = ''] = (seen.get('status') ?? [])
      .filter((line) => line.startsWith('CapEff'))
      .map((line) => line.replace(/^CapEff:\s*/u, ''))
    const has = (bit: number): boolean => ((BigInt(`0x${capabilities}`) >> BigInt(bit)) & 1n) === 1n

    const bits = { SYS_MODULE: 16, SYS_RAWIO: 17, SYS_PTRACE: 19, SYS_ADMIN: 21, SYS_BOOT: 22, NET_ADMIN: 12 }
    expect(Object.entries(bits).filter(([, bit]) => has(bit))).toEqual([])
  })

  it('gains no rights by executing a file', () => {
    expect(seen.get('status')).toContain('NoNewPrivs:\t1')
  })

  it('has limits for files and processes', () => {
    const [files = ''] = seen.get('limit of files') ?? []
    const [processes = ''] = seen.get('limit of processes') ?? []

    expect(Number(files)).toBeGreaterThan(0)
    expect(Number(processes)).toBe(4096)
  })
})

const HOSTILE_SOURCE = join(import.meta.dirname, '../fixtures/hostile-task/hostile-task.c')
/** Limit of processes of a task. */
const MAX_PROCESSES = 4096

describe('a task that tries to escape from its container', () => {
  let folder: string
  const servers: Server[] = []
  /** Outcomes of the attempts, by name. */
  let attempts: ReadonlyMap<string, string>

  async function listen(address: string | number): Promise<Server> {
    const server = createServer((socket) => socket.destroy())
    servers.push(server)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      if (typeof address === 'string') server.listen(address, resolve)
      else server.listen(address, '127.0.0.1', resolve)
    })
    return server
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'host-'))
    const hostFile = join(folder, 'file')
    await writeFile(hostFile, 'of the host')
    const hostSocket = join(folder, 'socket')
    const address = (await listen(0)).address()
    await listen(hostSocket)
    await listen(`\0${hostSocket}`)
    const hostile = await installTask(
      'test/fixtures/hostile-task/hostile-task.zip',
      'org.example.hostile-task',
    )
    const run = await startRun(hostile, {
      host_file: hostFile,
      host_process: process.pid,
      host_port: typeof address === 'object' && address !== null ? address.port : 0,
      host_socket: hostSocket,
    })
    await waitForState(run, ['FINISHED'])
    const lines = linesOf((await outputsOf(run)).attempts).map((line): [string, string] => {
      const at = line.lastIndexOf(': ')
      return [line.slice(0, at), line.slice(at + 2)]
    })
    attempts = new Map(lines)
  })

  afterAll(async () => {
    for (const server of servers) server.close()
    await rm(folder, { recursive: true, force: true })
  })

  it('reports every attempt in its source', async () => {
    const source = await readFile(HOSTILE_SOURCE, 'utf8')
    const names = [...source.matchAll(/\btell\("([^"]+)"/gu)].map(([, name]) => name)

    expect(names.length).toBeGreaterThan(35)
    expect([...attempts.keys()]).toEqual(expect.arrayContaining(names))
  })

  it('does not succeed in any attempt', () => {
    const done = [...attempts].filter(([, outcome]) => outcome === 'DONE').map(([name]) => name)

    expect(done).toEqual([])
  })

  it('cannot exceed the limit of processes', () => {
    const processes = Number(attempts.get('processes of a fork bomb'))

    expect(processes).toBeGreaterThan(1)
    expect(processes).toBeLessThan(MAX_PROCESSES)
  })
})
