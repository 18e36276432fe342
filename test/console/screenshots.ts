import { mkdir } from 'node:fs/promises'
import { chromium } from 'playwright-core'

/*
 * Takes the screenshots of docs/images/ from a running service:
 *
 *   npm run screenshots -- http://127.0.0.1:8080/app-engine/v1/
 *
 * They need one finished run of test/console/every-type-task.ts with a picture, and one that failed.
 */
const [base = 'http://127.0.0.1:8080/app-engine/v1/'] = process.argv.slice(2)
const FOLDER = 'docs/images'

interface Row {
  readonly id: string
  readonly state: string
  readonly task: { readonly namespace: string; readonly version: string }
}

async function runOf(state: string, skipped = 0): Promise<string> {
  const answer = await fetch(new URL(`task-runs?state=${state}&q=every-type`, base))
  const { content } = (await answer.json()) as { readonly content: readonly Row[] }
  const run = content[skipped]
  if (run === undefined) throw new Error(`there is no run of the task every-type in the state ${state}`)
  return run.id
}

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
const finished = await runOf('FINISHED')
const other = await runOf('FINISHED', 1)
const failed = await runOf('FAILED')

const PLACES: readonly (readonly [name: string, place: string, ready: string, theme?: 'dark'])[] = [
  ['tasks', 'tasks', 'h2'],
  ['task', 'tasks/org.example.every-type/1.0.0', 'button.primary'],
  ['runs', 'runs', 'tbody tr'],
  ['run', `runs/${finished}`, '.map canvas'],
  ['run-dark', `runs/${finished}`, '.map canvas', 'dark'],
  ['failed-run', `runs/${failed}`, '.failure'],
  ['comparison', `compare?a=${finished}&b=${other}`, '.differs'],
  ['api', 'api?tag=tasks&operation=listTasks', '.try'],
]

await mkdir(FOLDER, { recursive: true })
for (const [name, place, ready, theme] of PLACES) {
  const page = await browser.newPage({
    viewport: { width: 1200, height: 760 },
    colorScheme: theme ?? 'light',
  })
  await page.goto(`${base}ui/#/${place}`)
  await page.locator(ready).first().waitFor()
  await page.waitForLoadState('networkidle').catch(() => undefined)
  if (ready === '.map canvas') {
    for (let step = 0; step < 3; step += 1) {
      await page.getByRole('button', { name: 'Zoom in' }).first().click()
      await page.waitForTimeout(400)
    }
    await page.getByRole('application').first().click()
  }
  // Waits for the end of animations and the loading of pictures.
  await page.waitForTimeout(1500)
  await page.screenshot({ path: `${FOLDER}/console-${name}.png` })
  await page.close()
}
await browser.close()
