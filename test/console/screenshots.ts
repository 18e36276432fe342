import { mkdir } from 'node:fs/promises'
import { chromium } from 'playwright-core'
import { prepareState } from './screenshot-state.ts'

/*
 * Takes the screenshots of docs/images/ from a running service:
 *
 *   npm run screenshots -- http://127.0.0.1:8080/app-engine/v1/ [<name> …]
 *
 * Replaces the task of test/console/every-type-task.ts in the service, and executes a run set and runs of it first.
 */
const [base = 'http://127.0.0.1:8080/app-engine/v1/', ...wanted] = process.argv.slice(2)
const FOLDER = 'docs/images'

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
console.log('preparing runs and a run set')
const { set, failed, finished, other, reused } = await prepareState(base)

const PLACES: readonly (readonly [name: string, place: string, ready: string, theme?: 'dark'])[] = [
  ['tasks', 'tasks', 'h2'],
  ['task', 'tasks/org.example.every-type/1.0.0', 'button.primary'],
  ['runs', 'runs', 'tbody tr'],
  ['run', `runs/${finished}`, '.map canvas'],
  ['run-dark', `runs/${finished}`, '.map canvas', 'dark'],
  ['failed-run', `runs/${failed}`, '.failure'],
  ['comparison', `compare?a=${finished}&b=${other}`, '.differs'],
  ['sets', 'sets', 'tbody tr'],
  ['set', `sets/${set}`, '.histogram'],
  ['set-form', 'tasks/org.example.every-type/1.0.0?tab=set', '#table'],
  ['reuse', `runs/${reused}`, '.map canvas'],
  ['scan', 'tasks/org.example.every-type/1.0.0', 'details[open]'],
  ['api', 'api?tag=tasks&operation=listTasks', '.try'],
]

/** Content of the form of a run set. */
const TABLE = 'text,whole,number\nSlide 1,7,0.5\nSlide 2,7,0.6\nSlide 3,8,0.5\nSlide 4,8,0.6'

/** Answer of a registry that scans images, which a local one does not. */
const SCAN = {
  state: 'complete',
  message: 'the image has 1 high finding',
  imageDigest: `sha256:${'0'.repeat(64)}`,
  completedAt: new Date().toISOString(),
  counts: { CRITICAL: 0, HIGH: 1, MEDIUM: 1, LOW: 0, INFORMATIONAL: 0, UNDEFINED: 0 },
  findings: [
    { name: 'CVE-2026-0001', severity: 'HIGH', package: 'openssl', version: '3.0.1', fixedIn: '3.0.2' },
    { name: 'CVE-2026-0002', severity: 'MEDIUM', package: 'zlib', version: '1.2' },
  ],
}

await mkdir(FOLDER, { recursive: true })
for (const [name, place, ready, theme] of PLACES) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const page = await browser.newPage({
    viewport: { width: 1200, height: 760 },
    colorScheme: theme ?? 'light',
  })
  if (name === 'scan') await page.route('**/scan', (route) => route.fulfill({ json: SCAN }))
  await page.goto(`${base}ui/#/${place}`)
  if (name === 'scan') await page.getByText('2 findings, the worst first').click()
  await page.locator(ready).first().waitFor()
  await page.waitForLoadState('networkidle').catch(() => undefined)
  if (ready === '.map canvas') {
    for (let step = 0; step < 3; step += 1) {
      await page.getByRole('button', { name: 'Zoom in' }).first().click()
      await page.waitForTimeout(400)
    }
    await page.getByRole('application').first().click()
  }
  if (name === 'set-form') await page.locator(ready).fill(TABLE)
  // Waits for the end of animations and the loading of pictures.
  await page.waitForTimeout(1500)
  await page.screenshot({ path: `${FOLDER}/console-${name}.png` })
  await page.close()
}
await browser.close()
