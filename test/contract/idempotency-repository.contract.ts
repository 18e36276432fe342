import { beforeEach, describe, expect, it } from 'vitest'
import { KEY_LEASE_SECONDS, KEY_SECONDS, MAX_STORED_ANSWER_BYTES } from '../../src/contract/idempotency.ts'
import type {
  HeldKey,
  IdempotencyRepository,
  StoredAnswer,
} from '../../src/idempotency/idempotency-repository.ts'
import type { FixedIdentity } from '../fixtures/fixed-identity.ts'

interface IdempotencyRepositoryHarness {
  readonly keys: IdempotencyRepository
  readonly identity: FixedIdentity
}

const REQUEST = { key: 'a key', fingerprint: 'fingerprint' }
const ANSWER: StoredAnswer = {
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: '{"id":"é"}',
}

/** Contract of every repository of idempotency keys. `setUp` returns an empty one for each test. */
export function describeIdempotencyRepository(
  adapter: string,
  setUp: () => Promise<IdempotencyRepositoryHarness>,
): void {
  describe(`idempotency repository (${adapter})`, () => {
    let keys: IdempotencyRepository
    let identity: FixedIdentity
    beforeEach(async () => {
      ;({ keys, identity } = await setUp())
    })

    async function claimed(): Promise<HeldKey> {
      const claim = await keys.claim(REQUEST)
      if (claim.kind !== 'claimed') throw new Error(`expected the key, got ${claim.kind}`)
      return claim.held
    }

    it('returns the stored answer to later calls', async () => {
      await keys.complete(await claimed(), ANSWER)

      expect(await keys.claim(REQUEST)).toEqual({ kind: 'answered', answer: ANSWER })
      expect(await keys.claim(REQUEST)).toEqual({ kind: 'answered', answer: ANSWER })
    })

    it('lets exactly one of many concurrent calls claim the key', async () => {
      const claims = await Promise.all(Array.from({ length: 8 }, () => keys.claim(REQUEST)))

      const kinds = claims.map(({ kind }) => kind).sort()
      expect(kinds).toEqual(['claimed', ...Array.from({ length: 7 }, () => 'under-way')])
    })

    it('lets calls claim different keys', async () => {
      await claimed()

      expect((await keys.claim({ ...REQUEST, key: 'another' })).kind).toBe('claimed')
    })

    it('separates equal keys of different callers, and of calls without a caller', async () => {
      const requests = ['one', 'two', undefined].map((caller) => ({
        ...REQUEST,
        ...(caller !== undefined && { caller }),
      }))
      for (const [index, request] of requests.entries()) {
        const claim = await keys.claim({ ...request, fingerprint: `of ${index}` })
        if (claim.kind !== 'claimed') throw new Error(`expected the key, got ${claim.kind}`)
        await keys.complete(claim.held, { ...ANSWER, body: `of ${index}` })
      }

      const answers = await Promise.all(
        requests.map((request, index) => keys.claim({ ...request, fingerprint: `of ${index}` })),
      )

      expect(answers).toEqual(
        requests.map((_, index) => ({ kind: 'answered', answer: { ...ANSWER, body: `of ${index}` } })),
      )
    })

    it('refuses the key for a different request, before and after the answer is stored', async () => {
      const held = await claimed()
      const other = { ...REQUEST, fingerprint: 'another' }
      const before = await keys.claim(other)
      await keys.complete(held, ANSWER)

      expect([before, await keys.claim(other)]).toEqual([
        { kind: 'other-request' },
        { kind: 'other-request' },
      ])
    })

    it('lets any request claim a released key', async () => {
      await keys.release(await claimed())

      expect((await keys.claim({ ...REQUEST, fingerprint: 'another' })).kind).toBe('claimed')
    })

    it('lets the same request claim the key of a killed call after the lease has ended', async () => {
      await claimed()
      identity.advance(KEY_LEASE_SECONDS - 1)
      const early = await keys.claim(REQUEST)
      identity.advance(1)

      const other = await keys.claim({ ...REQUEST, fingerprint: 'another' })
      const claims = await Promise.all([keys.claim(REQUEST), keys.claim(REQUEST)])

      expect([early.kind, other.kind]).toEqual(['under-way', 'other-request'])
      expect(claims.map(({ kind }) => kind).sort()).toEqual(['claimed', 'under-way'])
    })

    it('ignores changes by a call whose key another call has claimed', async () => {
      const lost = await claimed()
      identity.advance(KEY_LEASE_SECONDS)
      const held = await claimed()

      await keys.complete(lost, { ...ANSWER, status: 201 })
      await keys.release(lost)
      expect((await keys.claim(REQUEST)).kind).toBe('under-way')

      await keys.complete(held, ANSWER)
      expect(await keys.claim(REQUEST)).toEqual({ kind: 'answered', answer: ANSWER })
    })

    it('forgets a key a day after its first call', async () => {
      await claimed()
      identity.advance(KEY_LEASE_SECONDS)
      await keys.complete(await claimed(), ANSWER)
      identity.advance(KEY_SECONDS - KEY_LEASE_SECONDS - 1)
      const known = await keys.claim(REQUEST)
      identity.advance(1)

      const other = await keys.claim({ ...REQUEST, fingerprint: 'another' })

      expect([known.kind, other.kind]).toEqual(['answered', 'claimed'])
      expect((await keys.claim({ ...REQUEST, fingerprint: 'another' })).kind).toBe('under-way')
    })

    it('stores an answer of the maximum size', async () => {
      const body = 'x'.repeat(MAX_STORED_ANSWER_BYTES)
      await keys.complete(await claimed(), { ...ANSWER, body })

      expect(await keys.claim(REQUEST)).toEqual({ kind: 'answered', answer: { ...ANSWER, body } })
    })
  })
}
