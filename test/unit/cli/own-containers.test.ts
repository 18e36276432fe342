import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { beginRemoval, INSTANCE, removeOrphans } from '../../../cli/local-run/own-containers.ts'
import { fakeEngineOfEachTest } from '../../fixtures/fake-engine.ts'

/** `ps` lists the names in a file. Other calls are recorded. */
const fake = fakeEngineOfEachTest('if [ "$1" = ps ]; then cat names; else echo "$@" >> calls; fi')

const calls = (): string =>
  existsSync(join(fake().folder, 'calls')) ? readFileSync(join(fake().folder, 'calls'), 'utf8') : ''

describe('containers of local runs', () => {
  it('are removed if their process has ended', async () => {
    const namespace = INSTANCE.slice(0, -String(process.pid).length)
    const { pid } = spawnSync('true')
    const orphan = `app-engine-${namespace}${pid}-local-1-task`
    const others = [`app-engine-${INSTANCE}-local-1-task`, `app-engine-task-7-${pid}-local-1-task`, 'other']
    writeFileSync(join(fake().folder, 'names'), [orphan, ...others].join('\n'))

    await removeOrphans(fake().engine)

    expect(calls()).toBe(`kill ${orphan}\nrm --force --volumes ${orphan}\n`)
  })

  it('are left alone if there are no others', async () => {
    writeFileSync(join(fake().folder, 'names'), `app-engine-${INSTANCE}-local-1-task`)

    await removeOrphans(fake().engine)

    expect(calls()).toBe('')
  })

  it('are removed by a process that goes on', async () => {
    beginRemoval(fake().engine, 'a-container')

    await expect.poll(calls).toBe('rm --force --volumes a-container\n')
  })
})
