import * as z from 'zod'
import { MAX_FINDINGS, SCAN_STATES, SEVERITIES } from '../../../src/import/registry/image-scans.ts'
import { component } from './components.ts'
import { instant } from './shared-schemas.ts'

const severity = z.enum(SEVERITIES)

const finding = component(
  'ScanFinding',
  z.strictObject({
    name: z.string().describe('As a rule a CVE.'),
    severity,
    package: z.string().optional(),
    version: z.string().optional(),
    fixedIn: z.string().optional().describe('Version of the package without it.'),
    description: z.string().optional(),
    url: z.url().optional(),
  }),
)

/** Last scan of a task's image. */
export const scan = component(
  'ImageScan',
  z.strictObject({
    state: z.enum(SCAN_STATES).describe('Only a scan that is complete has counts and findings.'),
    message: z.string().describe('The state in words.'),
    imageDigest: z.string().describe('The scanned manifest, `sha256:…`.'),
    completedAt: instant.optional(),
    databaseUpdatedAt: instant.optional().describe("Of the scanner's database of vulnerabilities."),
    counts: z.record(severity, z.int().min(0)).optional().describe('All findings by severity.'),
    findings: z.array(finding).max(MAX_FINDINGS).optional().describe('The worst first.'),
    omitted: z.int().min(0).optional().describe('How many findings are not in `findings`.'),
  }),
)
