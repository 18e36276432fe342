import {
  DescribeImageScanFindingsCommand,
  type DescribeImageScanFindingsResponse,
  type ECRClient,
  ECRServiceException,
  type EnhancedImageScanFinding,
  type ImageScanFinding,
  type ImageScanStatus,
} from '@aws-sdk/client-ecr'
import { printable } from '../../contract/quoted.ts'
import {
  type ImageScan,
  type ImageScans,
  MAX_FINDINGS,
  type ScanFinding,
  type ScanState,
  SEVERITIES,
  type Severity,
} from './image-scans.ts'

/**
 * Number of findings in a request. ECR does not sort them, so the worst are chosen from the first 1000, which have some
 * MB.
 */
const PAGE_SIZE = 250
const MAX_PAGES = 4

const MAX_NAME_LENGTH = 100
const MAX_DESCRIPTION_LENGTH = 500
const MAX_URL_LENGTH = 500

/** States by ECR's status. ACTIVE is that of Amazon Inspector, which scans again when its database changes. */
const STATES: Readonly<Record<string, readonly [state: ScanState, message: string]>> = {
  COMPLETE: ['complete', 'the image was scanned'],
  ACTIVE: ['complete', 'the image was scanned, and is scanned again when new vulnerabilities are known'],
  IN_PROGRESS: ['in-progress', 'the image is being scanned'],
  PENDING: ['in-progress', 'the scan of the image has not started yet'],
  FAILED: ['failed', 'the scan of the image failed'],
  UNSUPPORTED_IMAGE: [
    'unsupported',
    'ECR cannot scan this image: its operating system or its format is not supported',
  ],
  FINDINGS_UNAVAILABLE: ['unavailable', 'the findings are not available now'],
  SCAN_ELIGIBILITY_EXPIRED: [
    'unavailable',
    'the image is too old to be scanned by the settings of the registry',
  ],
  LIMIT_EXCEEDED: ['unavailable', 'the account has reached a limit of scans'],
  IMAGE_ARCHIVED: ['unavailable', 'the image is archived'],
}

/** States by the name of ECR's error; any other error is thrown. */
const ERRORS: Readonly<Record<string, readonly [state: ScanState, message: string]>> = {
  ScanNotFoundException: ['not-scanned', 'no scan of the image is known: the registry does not scan on push'],
  ImageNotFoundException: ['not-scanned', 'the registry no longer has the image'],
  RepositoryNotFoundException: ['not-scanned', 'the registry no longer has the repository'],
  AccessDeniedException: [
    'unavailable',
    'ECR refuses to show the findings: with enhanced scanning, the function needs permission for inspector2:ListFindings and inspector2:ListCoverage',
  ],
  // Errors of AWS and emulators for an operation that they do not have.
  InvalidAction: ['not-offered', 'this registry scans no images'],
  InvalidActionException: ['not-offered', 'this registry scans no images'],
  UnknownOperationException: ['not-offered', 'this registry scans no images'],
}

/** Scans by ECR itself (basic) or by Amazon Inspector (enhanced), depending on the registry's settings. */
export function createEcrImageScans({ ecr }: { readonly ecr: ECRClient }): ImageScans {
  return {
    async find({ repository, digest }) {
      const input = {
        repositoryName: repository,
        imageId: { imageDigest: digest },
        maxResults: PAGE_SIZE,
      }
      try {
        const first = await ecr.send(new DescribeImageScanFindingsCommand(input))
        const { state, message } = describeStatus(first.imageScanStatus)
        if (state !== 'complete') return { state, message }
        const found = findingsOf(first)
        let { nextToken } = first
        for (let page = 1; page < MAX_PAGES && nextToken !== undefined; page += 1) {
          const next = await ecr.send(new DescribeImageScanFindingsCommand({ ...input, nextToken }))
          found.push(...findingsOf(next))
          nextToken = next.nextToken
        }
        return { state, message, ...describeFindings(first, found) }
      } catch (error) {
        if (!(error instanceof ECRServiceException)) throw error
        const [state, message] = ERRORS[error.name] ?? []
        if (state === undefined || message === undefined) throw error
        return { state, message }
      }
    },
  }
}

function describeStatus(status: ImageScanStatus | undefined): { state: ScanState; message: string } {
  const [state, message] = STATES[status?.status ?? ''] ?? [
    'unavailable' as const,
    `ECR answers the status ${printable(String(status?.status), MAX_NAME_LENGTH)}, which this version does not know`,
  ]
  const why = status?.description ?? ''
  const isExplained = state !== 'complete' && why !== ''
  return { state, message: isExplained ? `${message}: ${printable(why, MAX_DESCRIPTION_LENGTH)}` : message }
}

function describeFindings(
  { imageScanFindings = {} }: DescribeImageScanFindingsResponse,
  found: readonly ScanFinding[],
): Pick<ImageScan, 'completedAt' | 'databaseUpdatedAt' | 'counts' | 'findings'> {
  const { imageScanCompletedAt, vulnerabilitySourceUpdatedAt, findingSeverityCounts = {} } = imageScanFindings
  const counts = Object.fromEntries(SEVERITIES.map((severity) => [severity, 0])) as Record<Severity, number>
  for (const [severity, count] of Object.entries(findingSeverityCounts)) counts[severityOf(severity)] += count
  const rank = ({ severity }: ScanFinding): number => SEVERITIES.indexOf(severity)
  return {
    ...(imageScanCompletedAt && { completedAt: imageScanCompletedAt.toISOString() }),
    ...(vulnerabilitySourceUpdatedAt && { databaseUpdatedAt: vulnerabilitySourceUpdatedAt.toISOString() }),
    counts,
    findings: found.toSorted((a, b) => rank(a) - rank(b)).slice(0, MAX_FINDINGS),
  }
}

function findingsOf({ imageScanFindings = {} }: DescribeImageScanFindingsResponse): ScanFinding[] {
  const { findings = [], enhancedFindings = [] } = imageScanFindings
  return [...findings.map(basicFinding), ...enhancedFindings.map(enhancedFinding)]
}

function basicFinding({ name, severity, description, uri, attributes = [] }: ImageScanFinding): ScanFinding {
  const attribute = (key: string): string | undefined => attributes.find((one) => one.key === key)?.value
  return findingOf({
    name,
    severity,
    description,
    url: uri,
    package: attribute('package_name'),
    version: attribute('package_version'),
  })
}

function enhancedFinding(finding: EnhancedImageScanFinding): ScanFinding {
  const { title, severity, description, packageVulnerabilityDetails: details } = finding
  // A vulnerability may be in several packages; only the first is named.
  const [vulnerable] = details?.vulnerablePackages ?? []
  return findingOf({
    name: details?.vulnerabilityId ?? title,
    severity,
    description,
    url: details?.sourceUrl,
    package: vulnerable?.name,
    version: vulnerable?.version,
    fixedIn: vulnerable?.fixedInVersion,
  })
}

/** Bounds the texts of a finding, and leaves out those that are missing. */
function findingOf(raw: { readonly [Key in keyof ScanFinding]?: string | undefined }): ScanFinding {
  const { name, severity, description, url, ...names } = raw
  const known = Object.entries(names).flatMap(([key, value]) =>
    value === undefined || value === '' ? [] : [[key, printable(value, MAX_NAME_LENGTH)] as const],
  )
  return {
    name: printable(name ?? 'unnamed', MAX_NAME_LENGTH),
    severity: severityOf(severity),
    ...Object.fromEntries(known),
    ...(description && {
      description: printable(description.replaceAll(/\s+/gu, ' ').trim(), MAX_DESCRIPTION_LENGTH),
    }),
    ...(isPage(url) && { url }),
  }
}

/** Severity of a finding; UNTRIAGED, which only Inspector has, counts as UNDEFINED. */
function severityOf(text: string | undefined): Severity {
  return SEVERITIES.find((severity) => severity === text) ?? 'UNDEFINED'
}

/** Whether the console may link to a URL. */
function isPage(url: string | undefined): url is string {
  return url !== undefined && url.length <= MAX_URL_LENGTH && URL.parse(url)?.protocol === 'https:'
}
