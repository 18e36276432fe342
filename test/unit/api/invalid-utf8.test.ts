import { describe, expect, it } from 'vitest'
import { LoneSurrogateError, parseJson } from '../../../src/contract/json.ts'
import { readRowTable } from '../../../src/run-set/row-table.ts'
import { readUploadedJson } from '../../../src/upload/read-uploaded-json.ts'
import type { Upload } from '../../../src/upload/upload.ts'
import { anInput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'
import { aSet } from '../../fixtures/working-set.ts'

const PROVISIONS = `/app-engine/v1/task-runs/${RUN_ID}/input-provisions`

/** Byte sequences that are not UTF-8: a byte that UTF-8 never has, a truncated sequence, an overlong one, half a surrogate pair. */
const INVALID = ['ff', 'e282', 'c0af', 'eda080'] as const

async function put(path: string, body: Buffer) {
  const inputs = [anInput({ name: 'text', type: { id: 'string', minLength: 0 } })]
  const engine = await anEngine({ task: aTask({ inputs }), run: {} })
  const answer = await createCheckedApp(engine).request(`${PROVISIONS}${path}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: new Uint8Array(body),
  })
  return { status: answer.status, body: await answer.json(), run: await engine.runs.find(RUN_ID) }
}

const bodyOf = (value: Buffer, [before, after]: readonly [string, string]): Buffer =>
  Buffer.concat([Buffer.from(before), value, Buffer.from(after)])

describe('a body that is not UTF-8', () => {
  it.each(INVALID)('is refused when it provisions one input: %s', async (hex) => {
    const answer = await put('/text', bodyOf(Buffer.from(hex, 'hex'), ['{"value": "', '"}']))

    expect(answer).toMatchObject({ status: 400, body: { message: 'unable to process json' } })
    expect(answer.run?.provisions).toEqual({})
  })

  it('is refused when it provisions several inputs', async () => {
    const answer = await put(
      '',
      bodyOf(Buffer.from('ff', 'hex'), ['[{"parameterName": "text", "value": "', '"}]']),
    )

    expect(answer).toMatchObject({ status: 400, body: { message: 'unable to process json' } })
  })
})

describe('half of a surrogate pair, which DynamoDB cannot store,', () => {
  const TASK = { namespace: 'com.example.count', version: '1.0.0' }

  it.each([
    ['run-sets', { task: TASK, rows: [{}], name: '\ud800' }],
    ['run-sets', { task: { ...TASK, namespace: '\udfff' }, rows: [{}] }],
    ['run-sets', { task: TASK, rows: [{ '\ud800': 1 }] }],
    ['uploads', { purpose: 'input', fileName: 'a\udc00' }],
    ['stores', { name: '\uDBFF', host: 'http://127.0.0.1:1' }],
    ['webhooks', { url: 'https://example.org/\ud800' }],
    [`task-runs/${RUN_ID}/state-actions`, { desired: '\ud800' }],
  ])('is refused in a body: POST %s', async (path, body) => {
    const app = createCheckedApp(await anEngine({ run: {} }))

    const answer = await app.request(`/app-engine/v1/${path}`, { method: 'POST', body: JSON.stringify(body) })

    expect(answer.status).toBe(400)
    expect(await answer.text()).toMatch(/half of a surrogate pair|unknown state/u)
  })

  it('is refused as the value of an input', async () => {
    const answer = await put('/text', Buffer.from('{"value": "\\ud83d"}'))

    expect(answer).toMatchObject({ status: 400, body: { message: 'unable to process json' } })
  })

  it.each([
    [{ rows: [{ a: 1 }, { a: 1, text: 'x\ud800' }] }, 'row 2, column "text": "x\\\\ud800" has half'],
    [{ rows: [{ a: [1, { b: '\ud800' }] }] }, 'row 1, column "a": "\\\\ud800" has half'],
    [{ rows: [{ '\ud800': 1 }] }, 'row 1, column "\ufffd": "\\\\ud800" has half'],
    [{ rows: ['\ud800'] }, 'row 1: "\\\\ud800" has half'],
    [{ rows: [], shared: { text: '\udc00' } }, 'shared.text: "\\\\udc00" has half'],
    [{ rows: [], name: '\udc00' }, 'name: "\\\\udc00" has half'],
  ])('is refused with its place in a request for a set: %j', async (body, words) => {
    const app = createCheckedApp(await anEngine())
    const sent = JSON.stringify({ task: TASK, ...body })

    const answer = await app.request('/app-engine/v1/run-sets', { method: 'POST', body: sent })

    expect(answer.status).toBe(400)
    const { message } = (await answer.json()) as { message: string }
    expect(message).toContain(words.replaceAll('\\\\', '\\'))
  })

  it.each([
    ['JSON lines', '{"a": 1}\n\n{"a": "\\ud800"}\n', 2, 'a'],
    ['JSON lines', '{"a": 1}\n"\\ud800"', 2, null],
    ['a JSON array', '[{"a": 1}, {"a": 1, "b": [["\\ud800"]]}]', 2, 'b'],
    ['a JSON array', '["\\ud800"]', 1, null],
  ])('is refused with row and column in a table of %s: %s', async (_, table, row, column) => {
    const { engine, id, work, read } = await aSet({ rows: [{ a: 1 }] })
    await engine.objects.put(`task-run-set-${id}/rows`, table)

    await work()

    const message = '"\\ud800" has half of a surrogate pair; write each character as a whole'
    expect(await read()).toMatchObject({
      phase: 'invalid',
      problems: [{ row, column, errorCode: 'APPE-run-set-invalid', message }],
    })
    expect(() => readRowTable(table)).toThrow(`row ${row}`)
  })

  it('is refused with its place in an uploaded document', async () => {
    const { objects } = await anEngine()
    await objects.put('uploads/one', '{"value": [1, "\\ud800"]}')
    const upload: Upload = {
      id: 'one',
      key: 'uploads/one',
      purpose: 'input',
      state: 'READY',
      taskId: 'none',
      createdAt: '2026-01-01T00:00:00.000Z',
    }

    await expect(readUploadedJson(objects, upload, 'uploadId')).rejects.toMatchObject({
      explanation: expect.stringMatching(/^value\.1: .*surrogate pair/u),
    })
  })

  it('is found in a document that is nested more deeply than the stack', () => {
    const depth = 200_000

    expect(() => parseJson(`${'['.repeat(depth)}"\\ud800"${']'.repeat(depth)}`)).toThrow(LoneSurrogateError)
  })
})

describe('a body in UTF-8', () => {
  it('may have text of any script', async () => {
    const answer = await put('/text', bodyOf(Buffer.from('naïve 細胞 🔬'), ['\ufeff{"value": "', '"}']))

    expect(answer).toMatchObject({ status: 200, body: { value: 'naïve 細胞 🔬' } })
  })

  it('may have whole surrogate pairs as escapes', async () => {
    const answer = await put('/text', Buffer.from('{"value": "\\ud83d\\udd2c"}'))

    expect(answer).toMatchObject({ status: 200, body: { value: '🔬' } })
  })
})
