import {
  type DescribeImageScanFindingsResponse,
  type ECRClient,
  ECRServiceException,
  ScanNotFoundException,
} from '@aws-sdk/client-ecr'
import { describe, expect, it } from 'vitest'
import { createEcrImageScans } from '../../../../src/import/registry/ecr-image-scans.ts'
import { stubClient } from '../../aws/stub-client.ts'

const IMAGE = { repository: 'app-engine/addition', digest: `sha256:${'0'.repeat(64)}` }

type Answer = Omit<DescribeImageScanFindingsResponse, 'imageScanStatus'> & {
  status?: string
  description?: string
}

/** Scan result for these responses of ECR, and the calls. */
async function found(...answers: readonly (Answer | Error)[]) {
  const script = answers.map((answer) => {
    if (answer instanceof Error) return answer
    const { status = 'COMPLETE', description, ...rest } = answer
    return { ...rest, imageScanStatus: { status, description } }
  })
  const { client, sent } = stubClient<ECRClient>(script)
  return { scan: await createEcrImageScans({ ecr: client }).find(IMAGE), sent }
}

const errorNamed = (name: string) => new ECRServiceException({ name, $fault: 'client', $metadata: {} })
const cve = (number: number, severity: string) => ({
  name: `CVE-2026-${number}`,
  severity: severity as 'HIGH',
})

describe('the scan of an image', () => {
  it('is requested by the digest of the image', async () => {
    const { sent } = await found({ imageScanFindings: {} })

    expect(sent).toEqual([
      {
        name: 'DescribeImageScanFindingsCommand',
        input: {
          repositoryName: IMAGE.repository,
          imageId: { imageDigest: IMAGE.digest },
          maxResults: expect.any(Number),
        },
      },
    ])
  })

  it('shows all counts and the findings of ECR, most severe first', async () => {
    const { scan } = await found({
      imageScanFindings: {
        imageScanCompletedAt: new Date('2026-01-02T03:04:05Z'),
        vulnerabilitySourceUpdatedAt: new Date('2026-01-01T00:00:00Z'),
        findingSeverityCounts: { LOW: 1, CRITICAL: 2 },
        findings: [
          cve(1, 'LOW'),
          {
            ...cve(2, 'CRITICAL'),
            description: 'A heap overflow\n  in   the decoder.',
            uri: 'https://security.example.org/CVE-2026-2',
            attributes: [
              { key: 'package_name', value: 'libtiff' },
              { key: 'package_version', value: '4.5.0' },
              { key: 'CVSS2_SCORE', value: '9.8' },
            ],
          },
        ],
      },
    })

    expect(scan).toEqual({
      state: 'complete',
      message: 'the image was scanned',
      completedAt: '2026-01-02T03:04:05.000Z',
      databaseUpdatedAt: '2026-01-01T00:00:00.000Z',
      counts: { CRITICAL: 2, HIGH: 0, MEDIUM: 0, LOW: 1, INFORMATIONAL: 0, UNDEFINED: 0 },
      findings: [
        {
          name: 'CVE-2026-2',
          severity: 'CRITICAL',
          package: 'libtiff',
          version: '4.5.0',
          description: 'A heap overflow in the decoder.',
          url: 'https://security.example.org/CVE-2026-2',
        },
        { name: 'CVE-2026-1', severity: 'LOW' },
      ],
    })
  })

  it('shows the findings of Amazon Inspector with the version that fixes them', async () => {
    const { scan } = await found({
      status: 'ACTIVE',
      imageScanFindings: {
        findingSeverityCounts: { HIGH: 1, ['UNTRIAGED' as 'UNDEFINED']: 3 },
        enhancedFindings: [
          {
            title: 'CVE-2026-3 - openssl',
            severity: 'HIGH',
            packageVulnerabilityDetails: {
              vulnerabilityId: 'CVE-2026-3',
              sourceUrl: 'https://nvd.example.org/CVE-2026-3',
              vulnerablePackages: [{ name: 'openssl', version: '3.0.1', fixedInVersion: '3.0.2' }],
            },
          },
        ],
      },
    })

    expect(scan).toMatchObject({
      state: 'complete',
      counts: { HIGH: 1, UNDEFINED: 3 },
      findings: [
        { name: 'CVE-2026-3', severity: 'HIGH', package: 'openssl', version: '3.0.1', fixedIn: '3.0.2' },
      ],
    })
  })

  it('shows the most severe findings of several pages, and reads at most four', async () => {
    const page = (start: number, severity: string): Answer => ({
      nextToken: `after ${start}`,
      imageScanFindings: {
        findingSeverityCounts: { HIGH: 5000 },
        findings: Array.from({ length: 250 }, (_, index) => cve(start + index, severity)),
      },
    })

    const { scan, sent } = await found(
      page(0, 'LOW'),
      page(250, 'LOW'),
      page(500, 'HIGH'),
      page(750, 'LOW'),
      page(1000, 'CRITICAL'),
    )

    expect(sent.map(({ input }) => input.nextToken)).toEqual([undefined, 'after 0', 'after 250', 'after 500'])
    expect(scan.findings).toHaveLength(50)
    expect(scan.findings?.every(({ severity }) => severity === 'HIGH')).toBe(true)
  })

  it('truncates texts, and omits addresses other than those of web pages', async () => {
    const long = 'x'.repeat(100_000)
    const hostile = {
      name: long,
      description: `${long}\u001b[31m`,
      attributes: [{ key: 'package_name', value: long }],
    }

    const { scan } = await found({
      imageScanFindings: {
        findings: [
          { ...hostile, uri: 'javascript:alert(1)' },
          { ...hostile, uri: `https://example.org/${long}` },
          { ...hostile, uri: 'no address' },
        ],
      },
    })

    expect(scan.findings?.map(({ url }) => url)).toEqual([undefined, undefined, undefined])
    expect(JSON.stringify(scan).length).toBeLessThan(5000)
  })

  it.each([
    ['IN_PROGRESS', 'in-progress'],
    ['PENDING', 'in-progress'],
    ['FAILED', 'failed'],
    ['UNSUPPORTED_IMAGE', 'unsupported'],
    ['FINDINGS_UNAVAILABLE', 'unavailable'],
    ['SCAN_ELIGIBILITY_EXPIRED', 'unavailable'],
    ['LIMIT_EXCEEDED', 'unavailable'],
    ['IMAGE_ARCHIVED', 'unavailable'],
    ['SOMETHING_NEW', 'unavailable'],
  ])('that has the status %s at ECR is %s, with its reason and without findings', async (status, state) => {
    const { scan } = await found({ status, description: 'because of the moon' })

    expect(scan.state).toBe(state)
    expect(scan.message).toContain(
      state === 'unavailable' && status === 'SOMETHING_NEW' ? status : 'because of the moon',
    )
    expect(scan.counts).toBeUndefined()
  })

  it.each([
    ['it does not exist', new ScanNotFoundException({ message: 'none', $metadata: {} }), 'not-scanned'],
    ['the image does not exist', errorNamed('ImageNotFoundException'), 'not-scanned'],
    ['its repository does not exist', errorNamed('RepositoryNotFoundException'), 'not-scanned'],
    ['ECR refuses to show it', errorNamed('AccessDeniedException'), 'unavailable'],
    ['the registry has no such operation', errorNamed('InvalidAction'), 'not-offered'],
  ])('has a state and a message when %s', async (_, error, state) => {
    const { scan } = await found(error)

    expect(scan.state).toBe(state)
    expect(scan.message).not.toBe('')
  })

  it('is unknown while ECR fails', async () => {
    await expect(found(errorNamed('ServerException'))).rejects.toThrow()
    await expect(found(new Error('no connection'))).rejects.toThrow('no connection')
  })
})
