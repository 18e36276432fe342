import type { TaskImage } from '../../task/task.ts'

/** Severities of findings, worst first. */
export const SEVERITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFORMATIONAL', 'UNDEFINED'] as const

export type Severity = (typeof SEVERITIES)[number]

/** States of the scan of an image. Only a complete one has findings. */
export const SCAN_STATES = [
  'complete',
  'in-progress',
  'failed',
  /** The registry cannot scan this kind of image. */
  'unsupported',
  /** No scan was requested, or the image was removed. */
  'not-scanned',
  /** A scan was made, but the registry does not show its findings now. */
  'unavailable',
  /** The registry does not scan images, like that of the local stack. */
  'not-offered',
] as const

export type ScanState = (typeof SCAN_STATES)[number]

/** A vulnerability in a package of the image. Texts come from the registry and are bounded. */
export interface ScanFinding {
  /** Usually a CVE id. */
  readonly name: string
  readonly severity: Severity
  readonly package?: string
  readonly version?: string
  /** Version of the package without the vulnerability. */
  readonly fixedIn?: string
  readonly description?: string
  /** https URL of a page about the vulnerability. */
  readonly url?: string
}

/** Result of the registry's scan of a task's image. */
export interface ImageScan {
  readonly state: ScanState
  /** A sentence for the task's author. */
  readonly message: string
  /** ISO-8601 UTC. */
  readonly completedAt?: string
  /** When the registry's database of vulnerabilities was last updated (ISO-8601 UTC). */
  readonly databaseUpdatedAt?: string
  /** All findings by severity. */
  readonly counts?: Readonly<Record<Severity, number>>
  /** The worst of the findings that were read, at most {@link MAX_FINDINGS}. */
  readonly findings?: readonly ScanFinding[]
}

/** Maximum number of findings in a response. */
export const MAX_FINDINGS = 50

/** Vulnerability scans of images in the registry. */
export interface ImageScans {
  /** Reads the last scan of an image, by its digest. */
  find(image: Pick<TaskImage, 'repository' | 'digest'>): Promise<ImageScan>
}
