import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { removeEarlier } from '../../../cli/outputs/remove-earlier.ts'
import { runCommand } from '../../fixtures/cli-program.ts'
import { aTaskFolder, type TaskFolderOptions } from '../../fixtures/task-folder.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'

const BUNDLE = 'examples/add-and-echo/add-and-echo.zip'
const NOBODY = 'http://127.0.0.1:9/app-engine/v1/'

const folders: string[] = []
afterEach(() => {
  vi.unstubAllEnvs()
  closeWebServers()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

async function aFolder(options: TaskFolderOptions = {}): Promise<string> {
  const folder = await aTaskFolder(options)
  folders.push(folder)
  return folder
}

/** Copies a bundle of an earlier build into the folder. */
function keepBundle(folder: string): void {
  mkdirSync(join(folder, '.cytomine-task'))
  copyFileSync(BUNDLE, join(folder, '.cytomine-task/old.zip'))
}

describe('run on this machine', () => {
  it('reports an image without command before a stack is needed', async () => {
    const folder = await aFolder({ config: {} })

    const { code, stderr } = await runCommand(['run', folder, '-i', 'a=1'])

    expect(stderr).toMatch(/^the image has neither entrypoint nor command.*set ENTRYPOINT or CMD\n$/u)
    expect(code).toBe(1)
  })

  it('reports an invalid value in one line', async () => {
    const folder = await aFolder()

    const { code, stderr } = await runCommand(['run', folder, '-i', 'a=many'])

    expect(code).toBe(2)
    expect(stderr).toMatch(/^"a": "many" is not an integer[^\n]*\n$/u)
  })

  it('lists the known engines for an unknown one', async () => {
    const { code, stderr } = await runCommand(['run', '--engine', 'lxc'])

    expect(stderr).toMatch(/docker, podman, embedded/u)
    expect(code).toBe(2)
  })
})

describe('validate', () => {
  it('states that the checked image is from the last build', async () => {
    const folder = await aFolder({ imageName: false })
    writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\n')
    keepBundle(folder)

    const { stderr } = await runCommand(['validate', folder])

    expect(stderr).toMatch(/that of the last build.*"cytomine-task build"/u)
  })

  it('checks the image archive of the folder, not an earlier bundle', async () => {
    const folder = await aFolder({ config: {} })
    keepBundle(folder)

    const { stdout, code } = await runCommand(['validate', folder])

    expect(stdout).toMatch(/neither entrypoint nor command/u)
    expect(code).toBe(1)
  })

  it.each<[string, TaskFolderOptions, RegExp, number]>([
    ['a valid one', {}, /^no problems\n$/u, 0],
    ['one for another platform', { architecture: 'arm64' }, /linux\/arm64.*--platform linux\/amd64/u, 1],
    ['one that lacks its command', { config: { Entrypoint: ['/none'] } }, /"\/none" is not in the image/u, 1],
  ])('checks a single image archive: %s', async (_, options, message, expected) => {
    const folder = await aFolder(options)

    const { stdout, code } = await runCommand(['validate', join(folder, 'image.tar')])

    expect(stdout).toMatch(message)
    expect(code).toBe(expected)
  })

  it('explains how to create an image archive when the file is not an archive', async () => {
    const { stdout, code } = await runCommand(['validate', 'README.md'])

    expect(stdout).toMatch(/not a tar archive: save the image again/u)
    expect(code).toBe(1)
  })

  it('prints its findings when the service does not answer', async () => {
    const { code, stdout, stderr } = await runCommand(['validate', BUNDLE, '--url', NOBODY])

    expect(stdout).toMatch(/^no problems in /u)
    expect(stderr).toMatch(/nothing answers at/u)
    expect(code).toBe(3)
  })

  it('warns that the named image archive is missing when another one is used', async () => {
    const folder = await aFolder({
      descriptor: { configuration: { image: { file: '/imgae.tar' } } },
      imageName: 'image.tar',
    })

    const { code, stdout } = await runCommand(['validate', folder])

    expect(stdout).toMatch(/configuration\.image\.file names imgae\.tar, which does not exist.*image\.tar/u)
    expect(code).toBe(0)
  })

  it('names the bound that a default value violates', async () => {
    const folder = await aFolder({
      descriptor: { inputs: { a: { type: { id: 'integer', leq: 3 }, description: '', default: 5 } } },
    })

    const { stdout } = await runCommand(['validate', folder])

    expect(stdout).toMatch(/a\.default .*5 is out of bounds; expected at most 3 \(leq\)/u)
  })
})

describe('build', () => {
  async function aDockerfile(): Promise<string> {
    const folder = await aFolder({ imageName: false })
    writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\n')
    return folder
  }

  it('names the programs that build images when this machine has none', async () => {
    const folder = await aDockerfile()
    vi.stubEnv('PATH', folder)

    const { code, stderr } = await runCommand(['build', folder])

    expect(stderr).toMatch(/none of docker, podman and buildah works here; install one/u)
    expect(code).toBe(3)
  })

  it('refuses an unknown program', async () => {
    const { code, stderr } = await runCommand(['build', await aDockerfile(), '--engine', 'kaniko'])

    expect(stderr).toMatch(/"kaniko" cannot build images; expected docker, podman, buildah/u)
    expect(code).toBe(2)
  })
})

describe('a single image archive', () => {
  it.each(['run', 'upload'])('is refused by %s, which needs a descriptor', async (command) => {
    const folder = await aFolder()

    const { code, stderr } = await runCommand([command, join(folder, 'image.tar')])

    expect(stderr).toMatch(/an image without a descriptor; name a bundle or the folder of a task/u)
    expect(code).toBe(1)
  })
})

describe('a service', () => {
  const task = {
    id: '279c70e2-3dd8-49a3-b253-27956325c74f',
    namespace: 'com.example.count',
    version: '1.0.0',
  }
  const answers = new Map<string, unknown>([
    ['/tasks/com.example.count/1.0.0', task],
    [`/task-runs?limit=200&taskId=${task.id}`, { content: [aRow('1')], next: 'a b' }],
    [`/task-runs?limit=200&taskId=${task.id}&cursor=a%20b`, { content: [aRow('2')] }],
  ])

  function aRow(digit: string) {
    const id = `0000000${digit}-0000-4000-8000-000000000000`
    return { id, state: 'FINISHED', createdAt: `2026-01-0${digit}T00:00:00Z`, task }
  }

  async function aService(): Promise<string> {
    const { href } = await aWebServer(({ url = '' }, response) => {
      const answer = answers.get(url)
      response.statusCode = answer === undefined ? 404 : 200
      response.end(JSON.stringify(answer ?? { error_code: 'APPE-1', message: 'Task not found.' }))
    })
    return href
  }

  it('lists all runs of a task with their times', async () => {
    const { stdout } = await runCommand(['runs', 'com.example.count/1.0.0', '--url', await aService()])

    expect(stdout).toMatch(/^00000001.*2026-01-01T00:00:00Z/mu)
    expect(stdout).toMatch(/^00000002.*2026-01-02T00:00:00Z/mu)
  })

  it.each([
    ['runs', 'com.example.count/2.0.0', '--url'],
    ['run', 'com.example.count/2.0.0', '--remote'],
    ['delete', 'com.example.count/2.0.0', '--yes', '--url'],
  ])('reports an unknown task to the command "%s"', async (...words) => {
    const { code, stderr } = await runCommand([...words, await aService()])

    expect(stderr).toMatch(/no task com\.example\.count\/2\.0\.0.*"cytomine-task tasks"/u)
    expect(code).toBe(1)
  })

  it('reports that the run to be deleted does not exist', async () => {
    const explanation = `there is no run "${task.id}", or it was deleted`
    const { href } = await aWebServer(({ method }, response) => {
      response.statusCode = method === 'DELETE' ? 204 : 404
      response.end(method === 'DELETE' ? '' : JSON.stringify({ message: 'Run not found.', explanation }))
    })

    const { code, stdout, stderr } = await runCommand(['delete', task.id, '--yes', '--url', href])

    expect(stderr).toBe(`${explanation}\n`)
    expect(stdout).toBe('')
    expect(code).toBe(1)
  })

  it('is called before the image is built, and reported when it does not answer', async () => {
    const folder = await aFolder({ imageName: false })
    writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\n')

    const { code, stderr } = await runCommand(['upload', folder, '--url', NOBODY])

    expect(stderr).toMatch(/^nothing answers at /u)
    expect(code).toBe(3)
  })

  it('is distinguished from another path of its host', async () => {
    const { href } = await aWebServer((_, response) => {
      response.statusCode = 404
      response.end(JSON.stringify({ message: 'no such path' }))
    })

    const { code, stderr } = await runCommand(['tasks', '--url', href])

    expect(stderr).toMatch(/is not the base URL of the service, which ends in \/app-engine\/v1\//u)
    expect(code).toBe(2)
  })

  it('refuses a list of runs in an unknown state', async () => {
    const { code, stderr } = await runCommand(['runs', '--state', 'done', '--url', NOBODY])

    expect(stderr).toMatch(/Allowed choices are CREATED, .*FINISHED/u)
    expect(code).toBe(2)
  })

  it('runs the task that the descriptor of a folder names', async () => {
    const folder = await aFolder({ descriptor: { version: '3.0.0' } })

    const { stderr } = await runCommand(['run', folder, '--remote', await aService()])

    expect(stderr).toMatch(/no task com\.example\.count\/3\.0\.0/u)
  })
})

describe('--json', () => {
  const NAME = 'com.example.count/1.0.0'
  const RUN = '279c70e2-3dd8-49a3-b253-27956325c74f'

  it.each([
    ['delete', ['delete', RUN, '--yes'], { deleted: RUN }],
    ['delete of a task', ['delete', NAME, '--yes'], { deleted: NAME }],
    ['cancel', ['cancel', RUN], { id: RUN, cancelled: true }],
  ])('makes %s print JSON and nothing else', async (_, words, printed) => {
    const { href } = await aWebServer((_request, response) =>
      response.end(JSON.stringify({ id: RUN, resource: { id: RUN, state: 'FAILED' } })),
    )

    const { code, stdout } = await runCommand([...words, '--url', href, '--json'])

    expect(JSON.parse(stdout)).toEqual(printed)
    expect(code).toBe(0)
  })
})

describe('outputs of an earlier run', () => {
  it('are removed before new ones are written; other folders are kept', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'outputs-'))
    folders.push(folder)
    for (const name of ['areas', 'src']) mkdirSync(join(folder, name))
    for (const file of ['width', 'notes', 'areas/array.yml', 'areas/7', 'src/main.py']) {
      writeFileSync(join(folder, file), '')
    }

    await removeEarlier(folder, ['width', 'areas', 'src', 'missing'])

    const left = ['width', 'areas', 'src/main.py', 'notes'].filter((name) => existsSync(join(folder, name)))
    expect(left).toEqual(['src/main.py', 'notes'])
  })
})
