import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import * as z from 'zod'
import { PROJECT } from '../../local/aws-environment.ts'
import { findPython, installPackages } from '../../local/python-packages.ts'
import { runProgram } from '../clients/run-program.ts'

const VALIDATOR = '0.13.0'
/** Last version of the package rocrate whose JSON-LD context is that of RO-Crate 1.1. */
const ROCRATE = '0.13.0'

const reportSchema = z.object({
  checks: z.number(),
  issues: z.array(z.tuple([z.string(), z.string(), z.string()])),
})

export type Severity = 'REQUIRED' | 'RECOMMENDED'

/** The validator of crates, in a virtual environment. */
export interface CrateValidator {
  /** @returns the validator's messages about each crate */
  validate(severity: Severity, ...crates: readonly Uint8Array[]): Promise<string[][]>
  /** Removes the crates. */
  remove(): Promise<void>
}

/** Installs the validator once. */
export async function installValidator(): Promise<CrateValidator> {
  const python = await installPackages({
    python: await findPython('Validating crates'),
    directory: join(PROJECT, '.local/venv'),
    name: `roc-validator-${VALIDATOR}-rocrate-${ROCRATE}`,
    packages: [`roc-validator==${VALIDATOR}`, `rocrate==${ROCRATE}`],
    title: 'The validator of crates',
  })
  const folder = await mkdtemp(join(tmpdir(), 'crates-'))
  return {
    async validate(severity, ...crates) {
      const files = await Promise.all(
        crates.map(async (bytes) => {
          const file = join(folder, `${randomUUID()}.zip`)
          await writeFile(file, bytes)
          return file
        }),
      )
      const said = await runProgram(python, [join(import.meta.dirname, 'validate.py'), severity, ...files])
      const reports = said.split('\n').filter((line) => line.startsWith('{'))
      return reports.map((line) => {
        const { checks, issues } = reportSchema.parse(JSON.parse(line))
        expect(checks).toBeGreaterThan(30)
        return issues.map(([, , message]) => message)
      })
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Recommendations that the crates do not follow, with the reasons. */
export const ACCEPTED: Readonly<Record<string, string>> = {
  'The Application SHOULD have a url': 'A descriptor has no field for a URL',
  'The SoftwareApplication id SHOULD be an absolute URI': 'The id of a task is a UUID',
  'The Action SHOULD have an agent that is a Person or Organization': 'The service does not know its users',
  'The ContainerImage SHOULD have a registry':
    'The registry is private, and its name contains an account number',
  'The Root Data Entity SHOULD have a link to a Contextual Entity representing the `author` of the RO-Crate':
    'The service does not know its users',
  'The `publisher` property of a `Root Data Entity` SHOULD be an `Organization`':
    'The service does not know its users',
}

/** Recommendations that the crate of a run without outputs does not follow, with the reasons. */
export const UNFINISHED = {
  ...ACCEPTED,
  'The Action SHOULD have a result': 'A failed run has no result',
}
