import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseInputs } from '../../../cli/inputs/parse-inputs.ts'
import type { ParameterType } from '../../../src/task/task.ts'

const LIST: ParameterType = { id: 'array', allowMissing: false, subType: { id: 'integer' } }
const INPUTS = [
  { name: 'text', type: { id: 'string', minLength: 0 } },
  { name: 'list', type: LIST },
] as const

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inputs-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function fileOf(bytes: Buffer | string): string {
  const path = join(folder, 'value')
  writeFileSync(path, bytes)
  return path
}

describe('inputs on the command line', () => {
  it('reject a text file that is not UTF-8', () => {
    const path = fileOf(Buffer.from('caf\u00e9', 'latin1'))

    expect(() => parseInputs([`text=@${path}`], INPUTS)).toThrow(
      `the file ${path} of the input "text" is not a text in UTF-8; save it in this encoding`,
    )
  })

  it('accept a list with a byte order mark', () => {
    expect(parseInputs([`list=@${fileOf('\ufeff[1, 2]')}`], INPUTS)).toEqual([
      { kind: 'json', name: 'list', value: [1, 2] },
    ])
  })

  it.each([
    ['text', 'text', INPUTS],
    ['an image', 'image', [{ name: 'image', type: { id: 'image' } }]],
    ['an array of files', 'files', [{ name: 'files', type: { id: 'array', subType: { id: 'file' } } }]],
  ] as const)('reject a pipe or a device for %s, which may have no end', (_, name, inputs) => {
    const [pipe, device] = [join(folder, 'pipe'), '/dev/zero']
    execFileSync('mkfifo', [pipe])

    for (const path of [pipe, device]) {
      expect(() => parseInputs([`${name}=@${path}`], inputs)).toThrow(
        `${path}, for the input "${name}", is a pipe or a device; save its content in a file, and give that`,
      )
    }
  })

  it('reject a pipe in the folder of an array', () => {
    execFileSync('mkfifo', [join(folder, '1.tif')])
    const inputs = [{ name: 'files', type: { id: 'array', subType: { id: 'image' } } }]

    expect(() => parseInputs([`files=@${folder}`], inputs)).toThrow('1.tif, for the input "files", is a pipe')
  })

  it.each([
    ['integer', '-0'],
    ['integer', '-0.0'],
    ['number', '-0.0'],
  ])('read the %s %s as 0, like the service', (id, text) => {
    const [input] = parseInputs([`x=${text}`], [{ name: 'x', type: { id } }])

    expect(input?.kind === 'json' && input.value).toBe(0)
  })

  it.each(['0144', '-0144', '08'])('leave %s to the service, which reads octal numbers', (text) => {
    const inputs = [{ name: 'whole', type: { id: 'integer' } }]

    expect(parseInputs([`whole=${text}`], inputs)).toEqual([{ kind: 'json', name: 'whole', value: text }])
  })

  it.each([
    ['a folder for a file', 'file', undefined, /is a folder; expected a file/u],
    ['an empty folder for an image', 'image', undefined, /, for the input "x", is empty$/u],
    [
      'an empty folder for an array of images',
      'array',
      'image',
      /has no files; expected one for each item$/u,
    ],
  ])('reject %s', (_, id, subType, message) => {
    const inputs = [{ name: 'x', type: { id, ...(subType && { subType: { id: subType } }) } }]

    expect(() => parseInputs([`x=@${folder}`], inputs)).toThrow(message)
  })

  it.each([
    ['files', 'file', /1, for the input "x", is a folder; expected a file/u],
    ['images, when it is empty', 'image', /the folder .*1, for the input "x", is empty$/u],
  ])('reject a folder in that of an array of %s', (_, id, message) => {
    mkdirSync(join(folder, '1'))

    expect(() =>
      parseInputs([`x=@${folder}`], [{ name: 'x', type: { id: 'array', subType: { id } } }]),
    ).toThrow(message)
  })

  it('reject a circle of links with the exit code of wrong usage', () => {
    symlinkSync('circle', join(folder, 'circle'))

    const parse = () => parseInputs([`text=@${folder}/circle`], INPUTS)
    expect(parse).toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.stringContaining('circle') }),
    )
  })

  it('report every problem', () => {
    expect(() => parseInputs(['list=1,2', 'other=3', 'text=x'], INPUTS)).toThrow(
      /^the input "list" is "1,2"; .*\nthe task has no input "other"/u,
    )
  })
})
