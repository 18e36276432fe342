import { beforeEach, describe, expect, it } from 'vitest'
import { LEASE_SECONDS } from '../../../src/import/lease.ts'
import { sweepImports } from '../../../src/import/sweep-imports.ts'
import { createMemoryImportRequests } from '../../fakes/memory-import-requests.ts'
import { createMemoryUploadRepository } from '../../fakes/memory-upload-repository.ts'
import { createFixedIdentity } from '../../fixtures/fixed-identity.ts'

const GRACE = 300

describe('a sweep of imports', () => {
  const identity = createFixedIdentity()
  let requests: ReturnType<typeof createMemoryImportRequests>
  let uploads: ReturnType<typeof createMemoryUploadRepository>
  const requested: string[] = []
  const problems: string[] = []

  const sweep = async (changes: Partial<Parameters<typeof sweepImports>[0]> = {}, isTimeUp = false) => {
    const deps = { identity, uploads, requests, settings: { graceSeconds: GRACE }, ...changes }
    await sweepImports(deps, {
      isTimeUp: () => isTimeUp,
      onRequested: (uploadId) => requested.push(uploadId),
      onProblem: (uploadId) => problems.push(uploadId),
    })
  }
  const create = async (id: string) =>
    uploads.create({
      id,
      key: `uploads/${id}`,
      purpose: 'task',
      state: 'CREATED',
      taskId: '11111111-1111-4111-8111-111111111111',
      createdAt: identity.now().toISOString(),
    })

  beforeEach(() => {
    requests = createMemoryImportRequests()
    uploads = createMemoryUploadRepository(identity)
    requested.length = 0
    problems.length = 0
  })

  it('requests an import that was never started, at intervals', async () => {
    await create('lost')
    identity.advance(GRACE)

    await sweep()
    await sweep()

    expect(requests.waiting).toEqual(['lost'])
    expect(requested).toEqual(['lost'])
    identity.advance(1799)
    await sweep()
    expect(requests.waiting).toEqual(['lost'])
    identity.advance(1)
    await sweep()
    expect(requests.waiting).toEqual(['lost', 'lost'])
  })

  it('requests an import whose worker crashed, after Lambda’s own retries', async () => {
    await create('dead')
    await uploads.claim('dead', LEASE_SECONDS)
    identity.advance(LEASE_SECONDS + GRACE - 1)

    await sweep()
    expect(requests.waiting).toEqual([])
    identity.advance(1)
    await sweep()

    expect(requests.waiting).toEqual(['dead'])
  })

  it('ignores an import with a lease', async () => {
    await create('in progress')
    identity.advance(GRACE)
    await uploads.claim('in progress', LEASE_SECONDS)

    await sweep()

    expect(requests.waiting).toEqual([])
  })

  it('requests the other imports when one request fails', async () => {
    await create('a')
    await create('b')
    identity.advance(GRACE)

    await sweep({
      requests: {
        send: async (uploadId) => {
          if (uploadId === 'a') throw new Error('busy')
          await requests.send(uploadId)
        },
      },
    })

    expect(requests.waiting).toEqual(['b'])
    expect(problems).toEqual(['a'])
  })

  it('leaves the remaining imports to the next sweep after its time limit', async () => {
    await create('late')
    identity.advance(GRACE)

    await sweep({}, true)

    expect(requests.waiting).toEqual([])
    expect(await uploads.listStalled(new Date(identity.now().getTime() - GRACE * 1000), 10)).toEqual(['late'])
  })
})
