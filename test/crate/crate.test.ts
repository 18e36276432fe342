import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { createApp } from '../../lambdas/api/app.ts'
import { PROJECT } from '../../local/aws-environment.ts'
import { findPython, installPackages } from '../../local/python-packages.ts'
import { type ArchiveEntry, storedZip } from '../../src/archive/folder-zip/stored-zip.ts'
import { openZip } from '../../src/archive/zip/read-zip.ts'
import { MAX_COPIED_BYTES } from '../../src/inputs/prepared-file.ts'
import { bufferSource } from '../../src/shared/byte-source.ts'
import { readAll } from '../../src/shared/read-all.ts'
import { runProgram } from '../clients/run-program.ts'
import { RUN_ID } from '../fixtures/builders.ts'
import { anEndedRun } from '../fixtures/ended-runs.ts'
import { anEngine } from '../fixtures/engine.ts'
import { followRedirect } from '../fixtures/follow-redirect.ts'

const VALIDATOR = '0.13.0'
/** Last version of the validator whose JSON-LD context is that of RO-Crate 1.1. */
const ROCRATE = '0.13.0'

let python: string
let folder: string

beforeAll(async () => {
  python = await installPackages({
    python: await findPython('Validating crates'),
    directory: join(PROJECT, '.local/venv'),
    name: `roc-validator-${VALIDATOR}-rocrate-${ROCRATE}`,
    packages: [`roc-validator==${VALIDATOR}`, `rocrate==${ROCRATE}`],
    title: 'The validator of crates',
  })
  folder = await mkdtemp(join(tmpdir(), 'crates-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const reportSchema = z.object({
  checks: z.number(),
  issues: z.array(z.tuple([z.string(), z.string(), z.string()])),
})

type Severity = 'REQUIRED' | 'RECOMMENDED'

/** @returns the validator's messages about each crate */
async function validate(severity: Severity, ...crates: readonly Uint8Array[]): Promise<string[][]> {
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
}

async function crateOf(engine: Awaited<ReturnType<typeof anEngine>>): Promise<Buffer> {
  const answer = await createApp(engine).request(`/app-engine/v1/task-runs/${RUN_ID}/ro-crate.zip`)
  return Buffer.from(await (await followRedirect(engine.objects, answer)).arrayBuffer())
}

/** The crate of a finished run after a change to its files; undefined removes a file. */
async function aChangedCrate(change: (name: string, text: string) => string | undefined): Promise<Buffer> {
  const zip = await openZip(bufferSource(await crateOf(await anEndedRun('FINISHED'))))
  const entries: ArchiveEntry[] = []
  for (const entry of zip.entries) {
    const { name } = entry
    const text = change(name, String(await readAll(zip.read(entry))))
    if (text === undefined) continue
    const bytes = Buffer.from(text)
    entries.push({ name, sizeBytes: bytes.length, bytes })
  }
  return readAll(storedZip(entries))
}

/** Recommendations that the crates do not follow, with the reason. */
const ACCEPTED: Readonly<Record<string, string>> = {
  'The Application SHOULD have a url': 'A descriptor names none',
  'The SoftwareApplication id SHOULD be an absolute URI': 'A task has a UUID, and no address',
  'The Action SHOULD have an agent that is a Person or Organization': 'The service does not know its users',
  'The ContainerImage SHOULD have a registry': 'It is private, and its name is an account number',
  'The Root Data Entity SHOULD have a link to a Contextual Entity representing the `author` of the RO-Crate':
    'As the agent',
  'The `publisher` property of a `Root Data Entity` SHOULD be an `Organization`': 'As the agent',
}

const UNFINISHED = {
  ...ACCEPTED,
  'The Action SHOULD have a result': 'A run that failed has none',
}

it('accepts the crates of finished, failed and cancelled runs, and of one beyond the limits', async () => {
  const failure = { kind: 'cancelled', message: 'cancelled by a client' } as const
  const cancelled = await anEngine({ run: { state: 'FAILED', failure } })

  const [finished, failed, empty, large] = await validate(
    'RECOMMENDED',
    await crateOf(await anEndedRun('FINISHED')),
    await crateOf(await anEndedRun('FAILED')),
    await crateOf(cancelled),
    await crateOf(await anEndedRun('FINISHED', MAX_COPIED_BYTES)),
  )

  expect([...new Set(finished)].sort()).toEqual(Object.keys(ACCEPTED).sort())
  expect([...new Set(failed)].sort()).toEqual(Object.keys(UNFINISHED).sort())
  expect([...new Set(empty)].sort()).toEqual(Object.keys(UNFINISHED).sort())
  expect([...new Set(large)].sort()).toEqual(Object.keys(ACCEPTED).sort())
})

it('refuses a crate without the task, the profile or a file', async () => {
  const without = (words: string) =>
    aChangedCrate((name, text) => (name === 'ro-crate-metadata.json' ? text.replace(words, '"x":') : text))

  const [noTask, noProfile, noFile] = await validate(
    'REQUIRED',
    await without('"instrument":'),
    await aChangedCrate((name, text) =>
      name === 'ro-crate-metadata.json' ? text.replaceAll('wfrun/process', 'wfrun/other') : text,
    ),
    await aChangedCrate((name, text) => (name === 'inputs/a' ? undefined : text)),
  )

  expect(noTask).toContainEqual(expect.stringContaining('instrument'))
  expect(noProfile).toContainEqual(expect.stringContaining('versioned permalink of the profile'))
  expect(noFile).toContainEqual(expect.stringContaining("'inputs/a'"))
})
