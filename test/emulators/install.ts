/*
 * Installs emulators for the tests:
 *
 *   npm run emulators -- localstack versitygw
 *
 * The last line lists the installed emulators. An emulator whose Python or Go is missing is skipped with a message. Exits with 1 when an
 * installation fails.
 */
import { exitWithError, UserError } from '../../local/user-error.ts'
import { EMULATORS, type Emulator, emulatorNamed } from './emulators.ts'

const available: string[] = []
try {
  for (const name of process.argv.slice(2).map(emulatorNamed)) {
    const { findTool, install }: Emulator = EMULATORS[name]
    const tool = await findTool().catch((error: unknown) => {
      if (!(error instanceof UserError)) throw error
      console.log(`skipped: ${name}. ${error.message}`)
      return undefined
    })
    if (tool === undefined) continue
    await install(tool)
    available.push(name)
  }
  console.log(`available: ${available.join(' ')}`)
} catch (error) {
  exitWithError(error)
}
