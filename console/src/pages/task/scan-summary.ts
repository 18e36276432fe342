import type { ImageScan } from '../../api/types.ts'

/** Text of the page about a scan. */
export interface ScanSummary {
  readonly words: string
  /** Whether somebody should act. */
  readonly isBad: boolean
  /** Severities with findings, worst first. */
  readonly counts: readonly { readonly severity: string; readonly count: number }[]
}

/** Severities that ask for another image. */
const GRAVE: ReadonlySet<string> = new Set(['CRITICAL', 'HIGH'])

export function scanSummary({ state, message, counts = {} }: ImageScan): ScanSummary {
  const found = Object.entries(counts).filter(([, count]) => count > 0)
  const shown = found.map(([severity, count]) => ({
    severity: severity.charAt(0) + severity.slice(1).toLowerCase(),
    count,
  }))
  if (state !== 'complete') return { words: sentence(message), isBad: state === 'failed', counts: [] }
  const isBad = found.some(([severity]) => GRAVE.has(severity))
  const words = found.length === 0 ? 'No vulnerability is known.' : sentence(message)
  return { words, isBad, counts: shown }
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
