import type { TestProject } from 'vitest/node'
import { startStackFor } from '../integration/local-stack.ts'
import { emulatorNamed } from './emulators.ts'
import { runLocalStackForStacks } from './stack-emulator.ts'

/** Deploys the stacks to the emulator that the variable EMULATOR names: MiniStack, like `npm start`, or LocalStack. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (emulatorNamed(process.env.EMULATOR) === 'ministack') return startStackFor(project)
  const emulator = await runLocalStackForStacks()
  try {
    const stop = await startStackFor(project, emulator)
    return async () => {
      await stop()
      await emulator.stop()
    }
  } catch (error) {
    await emulator.stop()
    throw error
  }
}
