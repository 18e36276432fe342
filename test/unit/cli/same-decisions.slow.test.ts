import { mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collect } from '../../../cli/local-run/collect.ts'
import { createLocalRun, provision, stage } from '../../../cli/local-run/local-run.ts'
import { CommandError } from '../../../cli/terminal/command-error.ts'
import { writeFolderZip } from '../../../src/archive/folder-zip/write-folder-zip.ts'
import type { JsonValue } from '../../../src/contract/json.ts'
import { STAGED_LISTING_NAME } from '../../../src/contract/staging.ts'
import { runOutputsPrefix } from '../../../src/contract/storage-keys.ts'
import { collectOutputs } from '../../../src/outputs/collect-outputs.ts'
import type { ParameterType, Task, TaskDescriptor } from '../../../src/task/task.ts'
import { anInput, anOutput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'

/** Number of inputs, and of outputs, for which a run on this machine and the service must decide alike. */
const RUNS = 200

const bound = fc.option(fc.integer({ min: -3, max: 3 }), { nil: undefined })
const bounds = fc
  .record({ gt: bound, geq: bound, lt: bound, leq: bound })
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)))
const leafType: fc.Arbitrary<ParameterType> = fc.oneof(
  fc.constant<ParameterType>({ id: 'boolean' }),
  bounds.map((some): ParameterType => ({ id: 'integer', ...some })),
  bounds.map((some): ParameterType => ({ id: 'number', infinityAllowed: false, nanAllowed: true, ...some })),
  fc.constant<ParameterType>({ id: 'string', minLength: 1, maxLength: 3 }),
  fc.constant<ParameterType>({ id: 'enumeration', values: ['a', 'b'] }),
  fc.constant<ParameterType>({ id: 'datetime', after: '2020-01-01T00:00:00Z' }),
  fc.constant<ParameterType>({ id: 'geometry' }),
)
const anyType: fc.Arbitrary<ParameterType> = fc.oneof(
  { weight: 3, arbitrary: leafType },
  {
    weight: 1,
    arbitrary: leafType.map(
      (subType): ParameterType => ({ id: 'array', minSize: 1, maxSize: 2, allowMissing: false, subType }),
    ),
  },
)

const TEXTS = [
  ...[
    'true',
    'False',
    '1',
    '-2',
    '0x10',
    '2.5',
    '1e3',
    'nan',
    'inf',
    'a',
    'c',
    '',
    ' 3 \n',
    'many words',
    '2024-01-01T00:00:00Z',
  ],
  ...[
    '{"type":"Point","coordinates":[1,2]}',
    '{"type":"Point"}',
    '{"type":"Polygon","coordinates":[[[0,0],[1,1],[0,1],[1,0],[0,0]]]}',
  ],
]
const anyText = fc.constantFrom(...TEXTS)

/** Texts that are usually valid for a type. */
const DUE: Readonly<Record<string, readonly string[]>> = {
  boolean: ['true', 'False'],
  integer: ['0', '1', '-2', '0x10', ' 3 \n'],
  number: ['0', '1', '2.5', '-1e0', 'nan'],
  string: ['a', 'abc'],
  enumeration: ['a', 'b'],
  datetime: ['2024-01-01T00:00:00Z', '2024-01-01T00:00:00+01:00'],
  geometry: ['{"type":"Point","coordinates":[1,2]}'],
}

/** A type with texts for it or its items, most of them valid. */
const anyCase = anyType.chain((type) => {
  const leaf = type.id === 'array' ? type.subType : type
  const text = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...(DUE[leaf.id] ?? [])) },
    { weight: 1, arbitrary: anyText },
  )
  return fc.record({ type: fc.constant(type), texts: fc.array(text, { minLength: 1, maxLength: 3 }) })
})

const anyLeaf: fc.Arbitrary<JsonValue> = fc.oneof(
  anyText,
  fc.integer({ min: -4, max: 4 }),
  fc.constantFrom<JsonValue>(true, false, null, 2.5, {}),
)
const anyValue: fc.Arbitrary<JsonValue> = fc.oneof(anyLeaf, fc.array(anyLeaf, { maxLength: 3 }))

/** Booleans are JSON, all others may be texts. */
function jsonFor({ id }: ParameterType, text: string): JsonValue {
  return id === 'boolean' ? text === 'true' : text
}

/** A task's descriptor as a run on this machine reads it. */
function descriptorOf({ id: _, ...task }: Task): TaskDescriptor {
  return task as TaskDescriptor
}

async function isAcceptedHere(task: Task, value: JsonValue): Promise<boolean> {
  const run = await createLocalRun(descriptorOf(task), tmpdir())
  try {
    await provision(run, [{ kind: 'json', name: 'a', value }])
    return true
  } catch (error) {
    if (error instanceof CommandError) return false
    throw error
  } finally {
    await run.close()
  }
}

async function isAcceptedByService(task: Task, value: JsonValue): Promise<boolean> {
  const app = createCheckedApp(await anEngine({ task, run: {} }))
  const answer = await app.fetch(`/app-engine/v1/task-runs/${RUN_ID}/input-provisions`, {
    method: 'PUT',
    body: JSON.stringify([{ parameterName: 'a', value }]),
  })
  expect([200, 400]).toContain(answer.status)
  return answer.status === 200
}

/** Files of the output folder, by path. */
type Left = Readonly<Record<string, string>>

/** Output files of a task for a type: usually the expected ones. */
function leftFor(
  { type, texts }: { readonly type: ParameterType; readonly texts: readonly string[] },
  odd: number,
): Left {
  if (odd === 0) return {}
  if (odd === 1) return { 'out.txt': '1' }
  const isArray = (type.id === 'array') !== (odd === 2)
  if (!isArray) return { out: texts[0] ?? '' }
  const size = odd === 3 ? texts.length + 1 : texts.length
  return {
    'out/array.yml': `size: ${size}`,
    ...Object.fromEntries(texts.map((text, index) => [`out/${index}`, text])),
  }
}

async function endHere(
  task: Task,
  left: Left,
): Promise<readonly [state: string, reason: string | undefined]> {
  const run = await createLocalRun(descriptorOf(task), tmpdir())
  try {
    const { outputs } = await stage(run)
    for (const [path, text] of Object.entries(left)) {
      mkdirSync(dirname(join(outputs, path)), { recursive: true })
      writeFileSync(join(outputs, path), text)
    }
    const { run: ended } = await collect(run, outputs)
    return [ended.state, ended.failure?.message]
  } finally {
    await run.close()
  }
}

/** The files as the stager uploads them. */
async function endInService(
  task: Task,
  left: Left,
): Promise<readonly [state: string, reason: string | undefined]> {
  const engine = await anEngine({ task, run: { state: 'RUNNING', job: { attempt: 1, jobName: 'job' } } })
  const prefix = runOutputsPrefix(RUN_ID, 1, 1)
  const files = Object.entries(left)
  const isFolder = files.some(([path]) => path.startsWith('out/'))
  const entries =
    'out' in left || isFolder ? [{ name: 'out', kind: isFolder ? 'directory' : 'file', sizeBytes: 0 }] : []
  const others = 'out.txt' in left ? ['out.txt'] : []
  if (left.out !== undefined) await engine.objects.put(`${prefix}out`, left.out)
  if (isFolder) {
    const packed = writeFolderZip(
      files.map(([name, text]) => ({ name, sizeBytes: Buffer.byteLength(text), bytes: Buffer.from(text) })),
      ({ bytes }) => ({ crc32: crc32(bytes), bytes: [bytes] }),
    )
    await engine.objects.write(`${prefix}out`, Readable.from(packed))
  }
  await engine.objects.put(
    `${prefix}${STAGED_LISTING_NAME}`,
    JSON.stringify({ entries, others, taskExitCode: 0 }),
  )
  await collectOutputs(engine, RUN_ID)
  const run = await engine.runs.find(RUN_ID)
  return [run?.state ?? '', run?.failure?.message]
}

describe('a run on this machine', () => {
  it('accepts and rejects the same inputs as the service', async () => {
    const decisions = { accepted: 0, refused: 0 }
    await fc.assert(
      fc.asyncProperty(anyCase, fc.option(anyValue, { freq: 3 }), async ({ type, texts }, odd) => {
        const due =
          type.id === 'array'
            ? texts.map((text) => jsonFor(type.subType, text))
            : jsonFor(type, texts[0] ?? '')
        const value = odd ?? due
        const task = aTask({ inputs: [anInput({ name: 'a', type })], outputs: [] })

        const isAccepted = await isAcceptedHere(task, value)

        expect(isAccepted).toBe(await isAcceptedByService(task, value))
        decisions[isAccepted ? 'accepted' : 'refused'] += 1
      }),
      { numRuns: RUNS },
    )
    // Both outcomes must be frequent enough for a meaningful comparison.
    expect(Math.min(decisions.accepted, decisions.refused)).toBeGreaterThan(RUNS / 20)
  })

  it('ends with the same state and reason as the service for any outputs', async () => {
    const decisions: Record<string, number> = { FINISHED: 0, FAILED: 0 }
    await fc.assert(
      fc.asyncProperty(anyCase, fc.nat(15), async (given, odd) => {
        const { type } = given
        const left = leftFor(given, odd)
        const task = aTask({ inputs: [], outputs: [anOutput({ name: 'out', type })] })

        const here = await endHere(task, left)

        expect(here).toEqual(await endInService(task, left))
        decisions[here[0]] = (decisions[here[0]] ?? 0) + 1
      }),
      { numRuns: RUNS },
    )
    expect(Math.min(decisions.FINISHED ?? 0, decisions.FAILED ?? 0)).toBeGreaterThan(RUNS / 20)
  })
})
