import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { createExampleClient, type ExampleInputs } from '../../cli/example-client.ts'
import { type LocalStack, startTemporaryStack } from '../../local/stack.ts'
import { openZip } from '../../src/archive/zip/read-zip.ts'
import { METADATA_NAME } from '../../src/outputs/crate/crate-metadata.ts'
import { bufferSource } from '../../src/shared/byte-source.ts'
import { digestOf, wholeSha256 } from '../../src/shared/content-digest.ts'
import { createProgress } from '../../src/shared/progress.ts'
import { readAll } from '../../src/shared/read-all.ts'
import { ACCEPTED, type CrateValidator, installValidator, UNFINISHED } from './validator.ts'

const INPUTS: ExampleInputs = { a: 2, b: 3, text: 'of a real run' }

let validator: CrateValidator
let stack: LocalStack & AsyncDisposable
let client: ReturnType<typeof createExampleClient>

beforeAll(async () => {
  validator = await installValidator()
  stack = await startTemporaryStack({
    instance: `crate-${randomBytes(4).toString('hex')}`,
    progress: createProgress(process.stdout),
  })
  client = createExampleClient(stack.baseUrl)
  await client.upload('examples/add-and-echo/add-and-echo.zip')
})

afterAll(async () => {
  await stack[Symbol.asyncDispose]()
  await validator.remove()
})

async function aRun(): Promise<string> {
  const id = await client.createRun()
  await client.provision(id, INPUTS)
  return id
}

async function act(id: string, action: object): Promise<void> {
  const answer = await fetch(new URL(`task-runs/${id}/state-actions`, stack.baseUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(action),
  })
  expect(answer.status).toBe(200)
}

async function crateOf(id: string): Promise<Buffer> {
  const answer = await fetch(new URL(`task-runs/${id}/ro-crate.zip`, stack.baseUrl))
  expect(answer.status).toBe(200)
  return Buffer.from(await answer.arrayBuffer())
}

const entitySchema = z.looseObject({ '@id': z.string() })

/** Entities of a crate, and its files by name. */
async function contentOf(crate: Buffer) {
  const zip = await openZip(bufferSource(crate))
  const files = new Map<string, Buffer>()
  for (const entry of zip.entries) files.set(entry.name, await readAll(Readable.from(zip.read(entry))))
  const metadata: unknown = JSON.parse(String(files.get('ro-crate-metadata.json')))
  return { files, graph: z.object({ '@graph': z.array(entitySchema) }).parse(metadata)['@graph'] }
}

it('accepts the crates of an executed, a reused and a cancelled run of the local stack', async () => {
  const executed = await aRun()
  await client.start(executed)
  expect(await client.follow(executed, () => {})).toBeUndefined()
  const reused = await aRun()
  await act(reused, { desired: 'RUNNING', reuse: true })
  expect(await client.follow(reused, () => {})).toBeUndefined()
  const cancelled = await aRun()
  await act(cancelled, { desired: 'CANCELLED' })

  const crates = await Promise.all([executed, reused, cancelled].map(crateOf))
  const [ofExecuted, ofReused, ofCancelled] = await validator.validate('RECOMMENDED', ...crates)

  expect([...new Set(ofExecuted)].sort()).toEqual(Object.keys(ACCEPTED).sort())
  expect([...new Set(ofReused)].sort()).toEqual(Object.keys(ACCEPTED).sort())
  expect([...new Set(ofCancelled)].sort()).toEqual(Object.keys(UNFINISHED).sort())
  for (const crate of crates.slice(0, 2)) {
    const { files, graph } = await contentOf(crate)
    const described = graph.flatMap(({ '@id': name, sha256 }) =>
      files.has(name) && name !== METADATA_NAME ? [[name, sha256]] : [],
    )
    const contained = [...files].map(([name, bytes]) => [name, wholeSha256(digestOf(bytes))])
    expect(described.sort()).toEqual(
      contained.filter(([name]) => !['inputs/', 'outputs/', METADATA_NAME].includes(String(name))).sort(),
    )
    expect(files.get('outputs/sum')?.toString()).toBe('5')
    expect(graph).toContainEqual(
      expect.objectContaining({
        '@type': 'ContainerImage',
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/u),
      }),
    )
  }
})
