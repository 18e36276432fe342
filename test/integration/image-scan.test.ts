import { beforeAll, describe, expect, it } from 'vitest'
import { callOk, installTask } from './engine-client.ts'

let task: string

beforeAll(async () => {
  task = await installTask('examples/add-and-echo/add-and-echo.zip', 'org.example.add-and-echo')
})

describe('the scan of a task on the local stack', () => {
  it('reports that the registry offers no scans', async () => {
    const { id } = (await (await callOk('GET', task)).json()) as { id: string }

    for (const path of [task, `tasks/${id}`]) {
      const scan = await (await callOk('GET', `${path}/scan`)).json()
      expect(scan).toEqual({
        state: 'not-offered',
        message: 'this registry scans no images',
        imageDigest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/u),
      })
    }
  })
})
