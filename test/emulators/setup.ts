import type { TestProject } from 'vitest/node'
import { emulatorNamed, runEmulator } from './emulators.ts'

/** Starts the emulator that the variable EMULATOR names, for the tests of one run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const emulator = await runEmulator(emulatorNamed(process.env.EMULATOR))
  project.provide('emulatorUrl', emulator.url)
  return emulator.stop
}
