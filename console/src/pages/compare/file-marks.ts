import type { Difference } from './difference.ts'

/** Size and ETag of a file, to compare it with another one without reading both. */
export interface FileMark {
  readonly sizeBytes: number
  /** MD5 of a file that was stored in one request; for one stored in parts, it also depends on the size of the parts. */
  readonly etag: string
}

/** Compares two files by their marks. */
export function differenceOfFiles(one: FileMark | undefined, other: FileMark | undefined): Difference {
  if (one === undefined || other === undefined) return 'unknown'
  if (one.sizeBytes !== other.sizeBytes) return 'some'
  if (one.etag === other.etag) return 'none'
  return one.etag.includes('-') || other.etag.includes('-') ? 'unknown' : 'some'
}
