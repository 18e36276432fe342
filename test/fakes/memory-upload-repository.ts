import { UPLOAD_KNOWN_SECONDS } from '../../src/contract/upload-limits.ts'
import type { Identity } from '../../src/shared/identity.ts'
import type { Upload } from '../../src/upload/upload.ts'
import type { UploadRepository } from '../../src/upload/upload-repository.ts'

/** In-memory upload repository for tests. */
export function createMemoryUploadRepository(identity: Identity): UploadRepository {
  const uploads = new Map<string, Upload>()
  const expiries = new Map<string, number>()
  /** Unfinished imports by upload id, with the end of their lease. Without a lease: the time since which they wait. */
  const inHand = new Map<string, Date>()
  /** The upload; undefined if it has expired. */
  const known = (uploadId: string): Upload | undefined =>
    (expiries.get(uploadId) ?? 0) > identity.now().getTime() ? uploads.get(uploadId) : undefined
  const addSeconds = (seconds: number): Date => new Date(identity.now().getTime() + seconds * 1000)
  const isOver = (upload: Upload): boolean => upload.state === 'READY' || upload.state === 'FAILED'

  return {
    async create(upload) {
      if (known(upload.id) !== undefined) throw new Error('an upload with this id exists')
      uploads.set(upload.id, structuredClone(upload))
      expiries.set(upload.id, addSeconds(UPLOAD_KNOWN_SECONDS).getTime())
      if (upload.purpose === 'task' && upload.parts === undefined && !isOver(upload)) {
        inHand.set(upload.id, identity.now())
      }
    },

    async find(uploadId) {
      return structuredClone(known(uploadId))
    },

    async closeParts(uploadId, change) {
      const upload = known(uploadId)
      if (upload === undefined) return undefined
      const { parts: _, ...rest } = upload
      uploads.set(uploadId, { ...rest, ...change })
      if (upload.purpose === 'task' && upload.state === 'CREATED' && !inHand.has(uploadId)) {
        inHand.set(uploadId, identity.now())
      }
      return structuredClone(uploads.get(uploadId))
    },

    async remove(uploadId) {
      const upload = known(uploadId)
      if (upload === undefined) return true
      const isHeld = upload.leaseUntil !== undefined && upload.leaseUntil > identity.now().toISOString()
      if (!isOver(upload) && (upload.state !== 'CREATED' || isHeld)) return false
      inHand.delete(uploadId)
      return uploads.delete(uploadId)
    },

    async claim(uploadId, leaseSeconds) {
      const now = identity.now()
      const upload = known(uploadId)
      if (upload === undefined || isOver(upload)) return undefined
      if (upload.leaseUntil !== undefined && upload.leaseUntil > now.toISOString()) return undefined
      const leaseUntil = addSeconds(leaseSeconds)
      const attempts = (upload.attempts ?? 0) + 1
      const claimed = { ...upload, leaseUntil: leaseUntil.toISOString(), attempts }
      inHand.set(uploadId, leaseUntil)
      uploads.set(uploadId, claimed)
      return structuredClone(claimed)
    },

    async extendLease(uploadId, leaseUntil, leaseSeconds) {
      const upload = known(uploadId)
      if (upload === undefined || isOver(upload) || upload.leaseUntil !== leaseUntil) return undefined
      const extended = addSeconds(leaseSeconds)
      uploads.set(uploadId, { ...upload, leaseUntil: extended.toISOString() })
      inHand.set(uploadId, extended)
      return extended.toISOString()
    },

    async endLease(uploadId, leaseUntil, hasAdvanced) {
      const upload = known(uploadId)
      if (upload === undefined || isOver(upload) || upload.leaseUntil !== leaseUntil) return false
      const now = identity.now()
      const attempts = hasAdvanced ? { attempts: 0 } : {}
      uploads.set(uploadId, { ...upload, leaseUntil: now.toISOString(), ...attempts })
      inHand.set(uploadId, now)
      return true
    },

    async update(uploadId, change) {
      const upload = known(uploadId)
      if (upload === undefined) throw new Error('the upload does not exist')
      if (isOver(upload)) return
      const changed = { ...upload, ...structuredClone(change) }
      uploads.set(uploadId, changed)
      if (isOver(changed)) inHand.delete(uploadId)
    },

    async listStalled(until, limit) {
      return [...inHand]
        .filter(([, instant]) => instant <= until)
        .sort(([, a], [, b]) => a.getTime() - b.getTime())
        .map(([uploadId]) => uploadId)
        .slice(0, limit)
    },

    async postpone(uploadId, seconds) {
      const upload = known(uploadId)
      const isHeld = (inHand.get(uploadId)?.getTime() ?? Number.POSITIVE_INFINITY) > identity.now().getTime()
      if (upload === undefined || isHeld) return false
      inHand.set(uploadId, addSeconds(seconds))
      return true
    },
  }
}
