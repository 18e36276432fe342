import { UPLOAD_KNOWN_SECONDS } from '../../domain/upload-limits.ts'
import type { Identity, Upload, UploadRepository } from '../../ports.ts'

/** Uploads in this process, for tests. */
export function createMemoryUploadRepository(identity: Identity): UploadRepository {
  const uploads = new Map<string, Upload>()
  const expiries = new Map<string, number>()
  /** The upload, unless it has expired. */
  const known = (uploadId: string): Upload | undefined =>
    (expiries.get(uploadId) ?? 0) > identity.now().getTime() ? uploads.get(uploadId) : undefined
  const isOver = (upload: Upload): boolean => upload.state === 'READY' || upload.state === 'FAILED'

  return {
    async create(upload) {
      if (known(upload.id) !== undefined) throw new Error('an upload with this id exists')
      uploads.set(upload.id, structuredClone(upload))
      expiries.set(upload.id, identity.now().getTime() + UPLOAD_KNOWN_SECONDS * 1000)
    },

    async find(uploadId) {
      return structuredClone(known(uploadId))
    },

    async closeParts(uploadId, change) {
      const upload = known(uploadId)
      if (upload === undefined) return undefined
      const { parts: _, ...rest } = upload
      uploads.set(uploadId, { ...rest, ...change })
      return structuredClone(uploads.get(uploadId))
    },

    async remove(uploadId) {
      const upload = known(uploadId)
      if (upload === undefined) return true
      const isHeld = upload.leaseUntil !== undefined && upload.leaseUntil > identity.now().toISOString()
      if (!isOver(upload) && (upload.state !== 'CREATED' || isHeld)) return false
      return uploads.delete(uploadId)
    },

    async claim(uploadId, leaseSeconds) {
      const now = identity.now()
      const upload = known(uploadId)
      if (upload === undefined || isOver(upload)) return undefined
      if (upload.leaseUntil !== undefined && upload.leaseUntil > now.toISOString()) return undefined
      const leaseUntil = new Date(now.getTime() + leaseSeconds * 1000).toISOString()
      const claimed = { ...upload, leaseUntil }
      uploads.set(uploadId, claimed)
      return structuredClone(claimed)
    },

    async extendLease(uploadId, leaseUntil, leaseSeconds) {
      const upload = known(uploadId)
      if (upload === undefined || isOver(upload) || upload.leaseUntil !== leaseUntil) return undefined
      const extended = new Date(identity.now().getTime() + leaseSeconds * 1000).toISOString()
      uploads.set(uploadId, { ...upload, leaseUntil: extended })
      return extended
    },

    async update(uploadId, change) {
      const upload = known(uploadId)
      if (upload === undefined) throw new Error('the upload does not exist')
      if (!isOver(upload)) uploads.set(uploadId, { ...upload, ...structuredClone(change) })
    },
  }
}
