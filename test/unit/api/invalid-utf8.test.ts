import { describe, expect, it } from 'vitest'
import { anInput, aTask, RUN_ID } from '../../fixtures/builders.ts'
import { createCheckedApp } from '../../fixtures/checked-app.ts'
import { anEngine } from '../../fixtures/engine.ts'

const PROVISIONS = `/app-engine/v1/task-runs/${RUN_ID}/input-provisions`

/** Bytes that are no character: a continuation byte, a truncated sequence, an overlong one, half a surrogate pair. */
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
  it.each(INVALID)('is refused as a value: %s', async (hex) => {
    const answer = await put('/text', bodyOf(Buffer.from(hex, 'hex'), ['{"value": "', '"}']))

    expect(answer).toMatchObject({ status: 400, body: { message: 'unable to process json' } })
    expect(answer.run?.provisions).toEqual({})
  })

  it('is refused as a batch', async () => {
    const answer = await put(
      '',
      bodyOf(Buffer.from('ff', 'hex'), ['[{"parameterName": "text", "value": "', '"}]']),
    )

    expect(answer).toMatchObject({ status: 400, body: { message: 'unable to process json' } })
  })
})

describe('a body in UTF-8', () => {
  it('may have text of any script', async () => {
    const answer = await put('/text', bodyOf(Buffer.from('naïve 細胞 🔬'), ['\ufeff{"value": "', '"}']))

    expect(answer).toMatchObject({ status: 200, body: { value: 'naïve 細胞 🔬' } })
  })
})
