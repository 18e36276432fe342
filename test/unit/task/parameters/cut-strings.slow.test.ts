import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createListedStrings,
  LISTED_STRINGS_BYTES,
  WHOLE_STRING_BYTES,
} from '../../../../src/task/parameters/cut-strings.ts'

const file = (text: string, path?: string) => ({
  parameterName: 'text',
  sizeBytes: Buffer.byteLength(text),
  ...(path === undefined ? {} : { path }),
})

describe('the strings of a listing', () => {
  it('are complete up to 1 MiB', () => {
    const text = 'a'.repeat(WHOLE_STRING_BYTES)

    expect(createListedStrings('run', 'output').show(text, file(text))).toEqual({ value: text })
  })

  it('are truncated above 1 MiB, with the path of the complete string', () => {
    const text = 'ü'.repeat(WHOLE_STRING_BYTES)
    const strings = createListedStrings('run', 'output')

    expect(strings.show(text, file(text))).toEqual({
      value: `${'ü'.repeat(100)}…`,
      truncated: true,
      sizeBytes: 2 * WHOLE_STRING_BYTES,
      href: 'task-runs/run/output/text',
    })
    expect(strings.show(text, file(text, '3/1'))).toMatchObject({
      href: 'task-runs/run/output/text/indexes?value=3/1',
    })
  })

  it('never end within a character', () => {
    const text = `a${'😀'.repeat(WHOLE_STRING_BYTES)}`

    expect(createListedStrings('run', 'input').show(text, file(text)).value).toBe(`a${'😀'.repeat(49)}…`)
  })

  it('have a maximum total size as JSON, whatever their characters', () => {
    const text = '\u0001'.repeat(10_000)
    const strings = createListedStrings('run', 'output')

    const shown = Array.from({ length: 3000 }, (_, index) => strings.show(text, file(text, String(index))))

    const bytes = Buffer.byteLength(JSON.stringify(shown))
    expect(bytes).toBeLessThan(LISTED_STRINGS_BYTES + 1024 * 1024 + 3000 * 300)
    expect(shown.filter((one) => !('truncated' in one)).length).toBe(139)
    expect(shown.at(-1)?.value).toBe('…')
  })

  it('are complete as long as there is space', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 300 })), (texts) => {
        const strings = createListedStrings('run', 'input')
        expect(texts.map((text) => strings.show(text, file(text)).value)).toEqual(texts)
      }),
    )
  })
})
