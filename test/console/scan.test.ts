import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { checkAnswer } from '../fixtures/answer-checker.ts'
import { pageOfEachTest } from './browser.ts'
import { COMPLETE_SCAN } from './scan-answers.ts'
import { installEveryType } from './tasks.ts'

const watched = pageOfEachTest()
let task: string

beforeAll(async () => {
  task = await installEveryType()
})

/** Answers the scan as ECR on AWS would, by an answer that the OpenAPI document allows: no registry of this stack scans. */
async function answerScan(page: Page, given: object): Promise<void> {
  const scan = { ...given, imageDigest: `sha256:${'a'.repeat(64)}` }
  const url = new URL(`${task}/scan`, inject('baseUrl')).href
  await checkAnswer('GET', url, Response.json(scan))
  await page.route(url, (route) => route.fulfill({ json: scan }))
}

describe('the card of vulnerabilities', () => {
  it('has the number of each severity, and the findings, the worst first', async () => {
    const { page, go } = watched()
    await answerScan(page, COMPLETE_SCAN)
    await go(task)
    const card = page.getByRole('region', { name: 'Vulnerabilities' })
    await card.getByText('The image has 1 critical finding.').waitFor()

    expect(await card.getByRole('term').allTextContents()).toEqual(['Critical', 'Medium'])
    expect(await card.getByRole('definition').allTextContents()).toEqual(['1', '1,234'])
    await card.getByText('2 findings, the worst first').click()
    const items = card.getByRole('listitem')
    expect(await items.allTextContents()).toEqual([
      'CVE-2026-0001 criticalopenssl 3.0.1, fixed in 3.0.2',
      'CVE-2026-0002 mediumzlib 1.2',
    ])
    const link = items.first().getByRole('link', { name: 'CVE-2026-0001' })
    expect(await link.getAttribute('href')).toBe('https://example.org/CVE-2026-0001')
    await card.getByText('1,233 more findings in the registry.').waitFor()
    expect(await card.locator('time').getAttribute('datetime')).toBe('2026-11-29T18:00:00.000Z')
  })

  it.each([
    ['in-progress', 'the scan of the image is in progress', 'muted'],
    ['failed', 'the registry could not scan the image', 'bad'],
    ['not-scanned', 'the image has not been scanned', 'muted'],
  ])('says why there are no findings: %s', async (state, message, style) => {
    const { page, go } = watched()
    await answerScan(page, { state, message })
    await go(task)

    const card = page.getByRole('region', { name: 'Vulnerabilities' })
    const words = card.getByText(`${message.charAt(0).toUpperCase()}${message.slice(1)}.`)
    await words.waitFor()
    expect(await words.getAttribute('class')).toBe(style)
    expect(await card.getByRole('term').count()).toBe(0)
  })

  it('says that this registry does not scan', async () => {
    const { page, go } = watched()
    await go(task)

    await page
      .getByRole('region', { name: 'Vulnerabilities' })
      .getByText('This registry scans no images.')
      .waitFor()
  })
})
