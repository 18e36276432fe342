import { afterEach } from 'vitest'
import { createFetchBundleSource } from '../../src/import/fetch-bundle-source.ts'
import { createMemoryBundleSource } from '../fakes/memory-bundle-source.ts'
import { aWebServer, closeWebServers } from '../fixtures/web-server.ts'
import { describeBundleSource } from './bundle-source.contract.ts'

afterEach(closeWebServers)

describeBundleSource('memory', async () => {
  const source = createMemoryBundleSource()
  const url = new URL('https://store.example.org/bundle.zip')
  return {
    source,
    missing: url,
    offer: async (bundle, options) => {
      source.offer(url.href, bundle, options)
      return url
    },
  }
})

describeBundleSource('fetch', async () => ({
  source: createFetchBundleSource(),
  missing: await aWebServer((_, response) => response.writeHead(404).end('no such bundle')),
  offer: (bundle, { isBroken = false } = {}) =>
    aWebServer((_, response) => {
      response.writeHead(200, { 'content-length': bundle.length })
      if (isBroken) response.write(bundle.subarray(0, bundle.length / 2), () => response.destroy())
      else response.end(bundle)
    }),
}))
