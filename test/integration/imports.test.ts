import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { aWebServer, closeWebServers } from '../fixtures/web-server.ts'
import { call, callOk } from './engine-client.ts'
import { installVariant, setFaults } from './engine-hands.ts'

const BUNDLE = 'test/fixtures/probe-task/probe-task.zip'
const TASK = 'tasks/org.example.probe-task/1.0.0'

afterEach(async () => {
  closeWebServers()
  await setFaults({})
})

describe('an import on the local stack', () => {
  it('brings a task from the default store', async () => {
    const asked: string[] = []
    const bundle = await readFile(BUNDLE)
    const store = await aWebServer((request, response) => {
      asked.push(request.url ?? '')
      response.end(bundle)
    })
    const body = { name: 'Store', host: store.href }
    const { id } = (await (await callOk('POST', 'stores', body)).json()) as { readonly id: string }
    await callOk('PUT', `stores/${id}/default`)
    // Another test of the same stack may have installed it.
    await call('DELETE', TASK)

    const response = await call('POST', `${TASK}/install`)

    expect(response.status).toBe(200)
    expect(asked).toHaveLength(1)
    expect((await call('GET', TASK)).status).toBe(200)
    await call('DELETE', `stores/${id}`)
  })

  it('leaves nothing when its job cannot be registered, and the name is free again', async () => {
    const namespace = 'org.example.unregistered'
    await setFaults({ calls: { fail: 1 } })

    const refused = installVariant(BUNDLE, namespace, {})

    await expect(refused).rejects.toThrow('500')
    await setFaults({})
    expect((await call('GET', `tasks/${namespace}/1.0.0`)).status).toBe(404)
    expect(await installVariant(BUNDLE, namespace, {})).toBe(`tasks/${namespace}/1.0.0`)
  })
})
