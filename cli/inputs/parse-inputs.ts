import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonValue } from '../../src/contract/json.ts'
import type { ParameterType, TaskInput } from '../../src/task/task.ts'
import { usageError } from '../terminal/command-error.ts'

/** A value of an input as the command line gives it. */
export type GivenInput =
  | { readonly kind: 'json'; readonly name: string; readonly value: JsonValue }
  /** A file, or a folder of DICOM files. */
  | { readonly kind: 'file'; readonly name: string; readonly path: string }
  /** Files that are the items of an array, in the order of their indexes. */
  | { readonly kind: 'items'; readonly name: string; readonly paths: readonly string[] }

/** Fields of an input that its parser reads. */
type Declared = Pick<TaskInput, 'name' | 'type'>

/**
 * Reads `NAME=VALUE` and `NAME=@FILE` by the types of the inputs. Values are not checked: the service's own code does that.
 * @throws CommandError for unknown names, files that are not there and JSON that is none
 */
export function parseInputs(words: readonly string[], inputs: readonly Declared[]): readonly GivenInput[] {
  const byName = Map.groupBy(words.map(splitWord), ({ name }) => name)
  return [...byName].map(([name, given]) => {
    const input = inputs.find((one) => one.name === name)
    if (input === undefined) throw unknownInput(name, inputs)
    return parseInput(
      input,
      given.map(({ text }) => text),
    )
  })
}

function splitWord(word: string): { readonly name: string; readonly text: string } {
  const equals = word.indexOf('=')
  if (equals < 1) throw usageError(`"${word}" gives no input; expected NAME=VALUE, or NAME=@FILE`)
  return { name: word.slice(0, equals), text: word.slice(equals + 1) }
}

function unknownInput(name: string, inputs: readonly Declared[]): Error {
  const known = inputs.map((input) => input.name).join(', ')
  return usageError(
    `the task has no input "${name}"; ${known === '' ? 'it has none at all' : `it has ${known}`}`,
  )
}

function parseInput({ name, type }: Declared, texts: readonly string[]): GivenInput {
  const [text = '', ...others] = texts
  if (type.id === 'array' && isFileType(type.subType))
    return { kind: 'items', name, paths: itemPaths(name, texts) }
  if (others.length > 0) {
    throw usageError(
      `the input "${name}" is given ${texts.length} times; give it once${type.id === 'array' ? `, as a list: ${name}=[1,2]` : ''}`,
    )
  }
  if (isFileType(type)) return { kind: 'file', name, path: filePath(name, text) }
  const content = text.startsWith('@') ? readText(name, text.slice(1)) : text
  return { kind: 'json', name, value: parseValue(name, type, content) }
}

function isFileType({ id }: ParameterType): boolean {
  return id === 'image' || id === 'file'
}

function parseValue(name: string, type: ParameterType, text: string): JsonValue {
  switch (type.id) {
    case 'boolean':
    case 'array':
      return parseJson(
        name,
        text,
        type.id === 'boolean' ? 'true or false' : 'a list in JSON, such as [1,2,3]',
      )
    case 'integer':
    case 'number':
      // The service reads numbers in texts as well, with words for what is none.
      return /^-?\d+(?:\.\d+)?$/u.test(text.trim()) && Number.isSafeInteger(Math.trunc(Number(text)))
        ? Number(text)
        : text.trim()
    default:
      return text
  }
}

function parseJson(name: string, text: string, expected: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    throw usageError(`the input "${name}" is ${JSON.stringify(text.slice(0, 60))}; expected ${expected}`)
  }
}

function filePath(name: string, text: string): string {
  if (!text.startsWith('@')) {
    const shown = JSON.stringify(text.slice(0, 60))
    throw usageError(`the input "${name}" is ${shown}, and takes a file; expected ${name}=@FILE`)
  }
  const path = text.slice(1)
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    throw usageError(`there is no file ${path} for the input "${name}"`)
  }
  return path
}

/** A folder stands for its files, sorted by name. */
function itemPaths(name: string, texts: readonly string[]): readonly string[] {
  if (texts.length > 1 || texts[0] === undefined) return texts.map((text) => filePath(name, text))
  const path = filePath(name, texts[0])
  if (!statSync(path).isDirectory()) return [path]
  const names = readdirSync(path).filter((entry) => !entry.startsWith('.'))
  return names.sort(new Intl.Collator('en', { numeric: true }).compare).map((entry) => join(path, entry))
}

function readText(name: string, path: string): string {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) {
    throw usageError(`there is no file ${path} for the input "${name}"`)
  }
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw usageError(`the file of the input "${name}" cannot be read: ${(error as Error).message}`)
  }
}
