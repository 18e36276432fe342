import { rmSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { runCommand } from '../../fixtures/cli-program.ts'
import { anEngineWith, serveEngine } from '../../fixtures/served-engine.ts'
import { aTaskFolder } from '../../fixtures/task-folder.ts'
import { closeWebServers } from '../../fixtures/web-server.ts'

const folders: string[] = []
afterEach(() => {
  closeWebServers()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** Validates a task that is not uploaded, against a service with one Fargate queue. */
async function validate(resources: object, ...words: readonly string[]) {
  const { url } = await serveEngine(await anEngineWith({}))
  const folder = await aTaskFolder({ descriptor: { version: '2.0.0', configuration: { resources } } })
  folders.push(folder)
  return runCommand(['validate', folder, '--url', url, ...words])
}

describe('validate against a service', () => {
  it('reports the queue of the task’s runs and their cost', async () => {
    const { code, stdout } = await validate({ cpus: 2, ram: '6GiB' })

    expect(stdout).toMatch(
      /^Its runs would go to the queue fargate, \d vCPU, \d+ GiB, about 0\.\d\d USD an hour\.$/mu,
    )
    expect(code).toBe(0)
  })

  it.each([
    ['a GPU', { gpus: 1 }, /no GPU queue/u],
    [
      'more memory than any machine has',
      { ram: '500 GiB' },
      /requests .*, 512000 MiB of memory .*; the largest machine .* has .* 248832 MiB of memory/u,
    ],
    [
      'more CPUs than any machine has',
      { cpus: 64 },
      /requests 64 CPU.*; the largest machine .* has 31\.5 CPU/u,
    ],
  ])('warns when no queue of the service has %s', async (_, resources, reason) => {
    const { code, stdout } = await validate(resources)

    expect(stdout).toMatch(
      /^warning {2}resources: no queue of the service can run the task, .*; change configuration\.resources/u,
    )
    expect(stdout).toMatch(reason)
    expect(code).toBe(0)
    expect((await validate(resources, '--strict')).code).toBe(1)
  })

  it('reports the placement as JSON', async () => {
    const { stdout } = await validate({ ram: '2GiB' }, '--json')

    expect(JSON.parse(stdout)).toMatchObject({
      valid: true,
      placement: { placeable: true, queue: 'fargate', asked: { memoryMiB: 2048 } },
    })
  })
})
