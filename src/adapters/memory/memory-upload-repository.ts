import type { Identity, Upload, UploadRepository } from '../../ports.ts'

/** Uploads in this process, for tests. */
export function createMemoryUploadRepository(identity: Identity): UploadRepository {
  const uploads = new Map<string, Upload>()
  const isOver = (upload: Upload): boolean => upload.state === 'READY' || upload.state === 'FAILED'

  return {
    async create(upload) {
      if (uploads.has(upload.id)) throw new Error('an upload with this id exists')
      uploads.set(upload.id, structuredClone(upload))
    },

    async find(uploadId) {
      return structuredClone(uploads.get(uploadId))
    },

    async closeParts(uploadId, change) {
      const upload = uploads.get(uploadId)
      if (upload === undefined) return undefined
      const { parts: _, ...rest } = upload
      uploads.set(uploadId, { ...rest, ...change })
      return structuredClone(uploads.get(uploadId))
    },

    async remove(uploadId) {
      const upload = uploads.get(uploadId)
      if (upload === undefined) return true
      const isHeld = upload.leaseUntil !== undefined && upload.leaseUntil > identity.now().toISOString()
      if (!isOver(upload) && (upload.state !== 'CREATED' || isHeld)) return false
      return uploads.delete(uploadId)
    },

    async claim(uploadId, leaseSeconds) {
      const now = identity.now()
      const upload = uploads.get(uploadId)
      if (upload === undefined || isOver(upload)) return undefined
      if (upload.leaseUntil !== undefined && upload.leaseUntil > now.toISOString()) return undefined
      const leaseUntil = new Date(now.getTime() + leaseSeconds * 1000).toISOString()
      const claimed = { ...upload, leaseUntil }
      uploads.set(uploadId, claimed)
      return structuredClone(claimed)
    },

    async extendLease(uploadId, leaseUntil, leaseSeconds) {
      const upload = uploads.get(uploadId)
      if (upload === undefined || isOver(upload) || upload.leaseUntil !== leaseUntil) return undefined
      const extended = new Date(identity.now().getTime() + leaseSeconds * 1000).toISOString()
      uploads.set(uploadId, { ...upload, leaseUntil: extended })
      return extended
    },

    async update(uploadId, change) {
      const upload = uploads.get(uploadId)
      if (upload === undefined) throw new Error('the upload does not exist')
      if (!isOver(upload)) uploads.set(uploadId, { ...upload, ...structuredClone(change) })
    },
  }
}
