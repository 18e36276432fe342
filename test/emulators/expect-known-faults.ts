import { basename } from 'node:path'
import { beforeAll } from 'vitest'
import { emulatorNamed } from './emulators.ts'
import { KNOWN_FAULTS } from './known-faults.ts'
import { markKnownFaults } from './mark-known-faults.ts'

const known = KNOWN_FAULTS[emulatorNamed(process.env.EMULATOR)] ?? []

// biome-ignore lint/correctness/noEmptyPattern: the runner reads the fixtures that are wanted from this pattern
beforeAll(({}, file) => {
  const suite = basename(file.name, '.test.ts')
  markKnownFaults(
    file,
    known.filter((fault) => fault.suite === suite),
  )
})
