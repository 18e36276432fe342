/*
 * Runs the example task (cli/run-example.ts), and starts a stack for it when none answers:
 *
 *   npm run example
 *   npm run example -- -a 20 -b 22 --text "hello"
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createProgress } from '../src/shared/progress.ts'
import { PROJECT } from './aws-environment.ts'
import { answers } from './emulator.ts'
import { readPort, startInForeground } from './port-stack.ts'
import { LOOPBACK } from './ports.ts'
import { exitWithError } from './user-error.ts'

const words = process.argv.slice(2)

try {
  const port = readPort()
  // `--url` names a running service, and `--help` needs none.
  const isOnlyTask = words.some((word) => /^--(?:url|help)\b/u.test(word) || word === '-h')
  if (isOnlyTask || (await answers(`http://${LOOPBACK}:${port}/ping`))) {
    process.exitCode = await runExample()
  } else {
    const progress = createProgress(process.stdout)
    progress.say('Nothing answers yet, so a stack is started for this run ("npm start" keeps one running).')
    const foreground = startInForeground({ port, isFresh: false, progress }, exitWithError)
    await foreground.starting
    await foreground.stop(await runExample())
  }
} catch (error) {
  exitWithError(error)
}

/** @returns the exit code of the example */
async function runExample(): Promise<number> {
  const child = spawn(process.execPath, [join(PROJECT, 'cli/run-example.ts'), ...words], { stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}
