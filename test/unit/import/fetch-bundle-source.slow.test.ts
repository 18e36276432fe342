import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFetchBundleSource } from '../../../src/import/fetch-bundle-source.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'

const reported: string[] = []
const report = (words: string): void => void reported.push(words)
const source = createFetchBundleSource({ report })

beforeEach(() => {
  reported.length = 0
})
afterEach(closeWebServers)

describe('a bundle that is downloaded', () => {
  it('arrives only as fast as it is read', async () => {
    const chunk = Buffer.alloc(1024 * 1024, 'PK')
    let sentBytes = 0
    const store = await aWebServer(async (_, response) => {
      for (let index = 0; index < 64; index += 1) {
        sentBytes += chunk.length
        if (!response.write(chunk)) await once(response, 'drain')
      }
      response.end()
    })
    const body = await source.open(store)
    await once(body, 'readable')
    const sentAtStart = sentBytes

    const bytes = await buffer(body)

    expect(sentAtStart).toBeLessThan(32 * chunk.length)
    expect(bytes).toHaveLength(64 * chunk.length)
  })
})
