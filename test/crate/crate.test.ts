import { afterAll, beforeAll, expect, it } from 'vitest'
import { createApp } from '../../lambdas/api/app.ts'
import { type ArchiveEntry, storedZip } from '../../src/archive/folder-zip/stored-zip.ts'
import { openZip } from '../../src/archive/zip/read-zip.ts'
import { MAX_COPIED_BYTES } from '../../src/inputs/prepared-file.ts'
import { bufferSource } from '../../src/shared/byte-source.ts'
import { readAll } from '../../src/shared/read-all.ts'
import { RUN_ID } from '../fixtures/builders.ts'
import { anEndedRun } from '../fixtures/ended-runs.ts'
import { anEngine } from '../fixtures/engine.ts'
import { followRedirect } from '../fixtures/follow-redirect.ts'
import { ACCEPTED, type CrateValidator, installValidator, UNFINISHED } from './validator.ts'

let validator: CrateValidator

beforeAll(async () => {
  validator = await installValidator()
})

afterAll(() => validator.remove())

async function crateOf(engine: Awaited<ReturnType<typeof anEngine>>): Promise<Buffer> {
  const answer = await createApp(engine).request(`/app-engine/v1/task-runs/${RUN_ID}/ro-crate.zip`)
  return Buffer.from(await (await followRedirect(engine.objects, answer)).arrayBuffer())
}

/** The crate of a finished run with changed files. `change` returns undefined to remove a file. */
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

it('accepts the crates of finished, failed and cancelled runs, and of a run that exceeds the limits', async () => {
  const failure = { kind: 'cancelled', message: 'cancelled by a client' } as const
  const cancelled = await anEngine({ run: { state: 'FAILED', failure } })

  const [finished, failed, empty, large] = await validator.validate(
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

  const [noTask, noProfile, noFile] = await validator.validate(
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
