import { buffer } from 'node:stream/consumers'
import { beforeEach, describe, expect, it } from 'vitest'
import type { BundleSource } from '../../src/import/bundle-source.ts'

interface BundleSourceHarness {
  readonly source: BundleSource
  /** Puts a bundle into a store, and returns its URL. The download of a broken one stops half way. */
  offer(bundle: Buffer, options?: { readonly isBroken?: boolean }): Promise<URL>
  /** URL at which there is no bundle. */
  readonly missing: URL
}

const FAILED = expect.objectContaining({
  name: 'DomainError',
  error: 'APPSTORE_DOWNLOAD_FAILED',
  details: { type: 'related', parameterName: 'bundle', description: expect.any(String) },
})

/** Contract of every bundle source. */
export function describeBundleSource(adapter: string, setUp: () => Promise<BundleSourceHarness>): void {
  describe(`bundle source (${adapter})`, () => {
    let harness: BundleSourceHarness

    beforeEach(async () => {
      harness = await setUp()
    })

    it('returns a bundle unchanged', async () => {
      const bundle = Buffer.alloc(300_000, 'PK')

      const body = await harness.source.open(await harness.offer(bundle))

      expect(bundle.equals(await buffer(body))).toBe(true)
    })

    it('fails for a URL without a bundle', async () => {
      await expect(harness.source.open(harness.missing)).rejects.toEqual(FAILED)
    })

    it('fails with the same error when the download stops half way', async () => {
      const url = await harness.offer(Buffer.alloc(1000, 'PK'), { isBroken: true })

      const body = await harness.source.open(url)

      await expect(buffer(body)).rejects.toEqual(FAILED)
    })

    it('closes a download when the caller stops reading', async () => {
      const body = await harness.source.open(await harness.offer(Buffer.alloc(300_000, 'PK')))

      body.destroy()

      await expect(buffer(body)).rejects.toThrow()
    })
  })
}
