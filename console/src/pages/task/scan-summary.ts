import type { ImageScan } from '../../api/types.ts'

/** Text and counts of a scan for its page. */
export interface ScanSummary {
  readonly words: string
  /** Whether the scan failed or found severe vulnerabilities. */
  readonly isBad: boolean
  /** Severities with findings, worst first. */
  readonly counts: readonly { readonly severity: string; readonly count: number }[]
}

/** Severities that the page highlights. */
const GRAVE: ReadonlySet<string> = new Set(['CRITICAL', 'HIGH'])

type Summarised = Pick<ImageScan, 'state' | 'message' | 'counts'>

export function scanSummary({ state, message, counts }: Summarised): ScanSummary {
  const found = Object.entries(counts ?? {}).filter(([, count]) => count > 0)
  const shown = found.map(([severity, count]) => ({
    severity: severity.charAt(0) + severity.slice(1).toLowerCase(),
    count,
  }))
  if (state !== 'complete') return { words: sentence(message), isBad: state === 'failed', counts: [] }
  const isBad = found.some(([severity]) => GRAVE.has(severity))
  const words = found.length === 0 ? 'No known vulnerabilities.' : sentence(message)
  return { words, isBad, counts: shown }
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
