import { describe, expect, it } from 'vitest'
import { bundleUrl } from '../../../src/store/store.ts'

const NAME = { namespace: 'com.example.addition', version: '1.0.0+build.7' }
const PATH = '/api/v1/tasks/com.example.addition/1.0.0%2Bbuild.7/bundle.zip'

describe('the address of a bundle in its store', () => {
  it.each([
    ['https://store.example.org', `https://store.example.org${PATH}`],
    ['https://store.example.org///', `https://store.example.org${PATH}`],
    ['HTTP://Store.example.org:8080/apps/', `http://store.example.org:8080/apps${PATH}`],
    ['http://127.0.0.1:9000', `http://127.0.0.1:9000${PATH}`],
    ['http://[::1]:9000/?page=1#top', `http://[::1]:9000${PATH}`],
  ])('at host %s is %s', (host, url) => {
    expect(bundleUrl({ host }, NAME).href).toBe(url)
  })

  // Quadratic time would exceed the test's time limit.
  it('may have many slashes in its path', () => {
    const slashes = '/'.repeat(300_000)

    const { pathname } = bundleUrl({ host: `https://store.example.org${slashes}apps${slashes}` }, NAME)

    expect(pathname === `${slashes}apps${PATH}`).toBe(true)
  })

  it.each([
    ['store.example.org', 'not a URL'],
    ['//store.example.org', 'not a URL'],
    ['http://', 'not a URL'],
    ['localhost:8080', 'not by localhost'],
    ['ftp://store.example.org', 'not by ftp'],
    ['file:///var/store', 'not by file'],
    ['https://user:word@store.example.org', 'must not contain a user name or password'],
  ])('is refused for the host %s', (host, words) => {
    expect(() => bundleUrl({ host }, NAME)).toThrow(
      expect.objectContaining({
        error: 'APPSTORE_DOWNLOAD_FAILED',
        details: {
          type: 'related',
          parameterName: 'bundle',
          description: expect.stringContaining(words),
        },
      }),
    )
  })
})
