import * as z from 'zod'
import type { Immutable } from '../../../src/contract/immutable.ts'
import { MAX_FINDINGS, SCAN_STATES, SEVERITIES } from '../../../src/import/registry/image-scans.ts'
import { component } from './components.ts'
import { instant } from './shared-schemas.ts'

const severity = z.enum(SEVERITIES)

const finding = component(
  'ScanFinding',
  z.strictObject({
    name: z.string().describe('Name of the vulnerability, usually a CVE.'),
    severity,
    package: z.string().exactOptional(),
    version: z.string().exactOptional(),
    fixedIn: z.string().exactOptional().describe('Version of the package that fixes it.'),
    description: z.string().exactOptional(),
    url: z.url().exactOptional(),
  }),
)

/** Last scan of a task's image. */
export const scan = component(
  'ImageScan',
  z.strictObject({
    state: z.enum(SCAN_STATES).describe('Only a scan that is complete has counts and findings.'),
    message: z.string().describe('Explanation of the state.'),
    imageDigest: z.string().describe('The scanned manifest, `sha256:…`.'),
    completedAt: instant.exactOptional(),
    databaseUpdatedAt: instant
      .exactOptional()
      .describe("Last update of the scanner's database of vulnerabilities."),
    counts: z.record(severity, z.int().min(0)).exactOptional().describe('All findings by severity.'),
    findings: z.array(finding).max(MAX_FINDINGS).exactOptional().describe('Findings, the worst first.'),
    omitted: z.int().min(0).exactOptional().describe('Number of findings that are not in `findings`.'),
  }),
)
export type ImageScan = Immutable<z.output<typeof scan>>
