const FINDINGS = [
  {
    name: 'CVE-2026-0001',
    severity: 'CRITICAL',
    package: 'openssl',
    version: '3.0.1',
    fixedIn: '3.0.2',
    url: 'https://example.org/CVE-2026-0001',
  },
  { name: 'CVE-2026-0002', severity: 'MEDIUM', package: 'zlib', version: '1.2' },
]
const COUNTS = { CRITICAL: 1, HIGH: 0, MEDIUM: 1234, LOW: 0, INFORMATIONAL: 0, UNDEFINED: 0 }

/** A finished scan with findings. No registry of the local stack scans images. */
export const COMPLETE_SCAN = {
  state: 'complete',
  message: 'the image has 1 critical finding',
  imageDigest: `sha256:${'a'.repeat(64)}`,
  completedAt: '2026-11-29T18:00:00.000Z',
  counts: COUNTS,
  findings: FINDINGS,
  omitted: 1233,
} as const
