import { isUtf8 } from 'node:buffer'
import { readdirSync, readFileSync, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonValue } from '../../src/contract/json.ts'
import { isFileType } from '../../src/task/task.ts'
import { CommandError, usageError } from '../terminal/command-error.ts'
import { wordsOf } from '../terminal/words-of.ts'

/** Value of an input, as given on the command line. */
export type GivenInput =
  | { readonly kind: 'json'; readonly name: string; readonly value: JsonValue }
  /** A file, or a folder of DICOM files. */
  | { readonly kind: 'file'; readonly name: string; readonly path: string }
  /** Files of an array's items, in the order of the items. */
  | { readonly kind: 'items'; readonly name: string; readonly paths: readonly string[] }

/** Id of a type, and of the type of its items. The service may be newer and have types that this program does not know. */
export interface ListedType {
  readonly id: string
  readonly subType?: ListedType | undefined
}

/** Fields of an input that the parser of values needs. */
export interface Declared {
  readonly name: string
  readonly type: ListedType
}

/**
 * Parses `NAME=VALUE` and `NAME=@FILE` by the types of the inputs. Values are checked later, by the service's own code.
 * @throws CommandError for unknown names, missing files and invalid JSON
 */
export function parseInputs(words: readonly string[], inputs: readonly Declared[]): readonly GivenInput[] {
  const byName = Map.groupBy(words.map(splitWord), ({ name }) => name)
  const problems: string[] = []
  const parsed = [...byName].flatMap(([name, given]) => {
    try {
      const input = inputs.find((one) => one.name === name)
      if (input === undefined) throw unknownInput(name, inputs)
      const texts = given.map(({ text }) => text)
      return [parseInput(input, texts)]
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      problems.push(error.message)
      return []
    }
  })
  if (problems.length > 0) throw usageError(problems.join('\n'))
  return parsed
}

function splitWord(word: string): { readonly name: string; readonly text: string } {
  const equals = word.indexOf('=')
  if (equals < 1) throw usageError(`"${word}" is not of the form NAME=VALUE or NAME=@FILE`)
  return { name: word.slice(0, equals), text: word.slice(equals + 1) }
}

function unknownInput(name: string, inputs: readonly Declared[]): Error {
  const known = inputs.map((input) => input.name).join(', ')
  return usageError(
    `the task has no input "${name}"; ${known === '' ? 'it has no inputs' : `its inputs are ${known}`}`,
  )
}

function parseInput({ name, type }: Declared, texts: readonly string[]): GivenInput {
  const [text = '', ...others] = texts
  if (type.subType !== undefined && isFileType(type.subType))
    return { kind: 'items', name, paths: itemPaths({ name, type: type.subType }, texts) }
  if (others.length > 0) {
    throw usageError(
      `the input "${name}" is given ${texts.length} times; expected once${type.id === 'array' ? `, as a list: ${name}=[1,2]` : ''}`,
    )
  }
  if (isFileType(type)) return { kind: 'file', name, path: filePath({ name, type }, text) }
  const content = text.startsWith('@') ? readText(name, textPath(name, text)) : text
  return { kind: 'json', name, value: parseValue(name, type, content) }
}

function parseValue(name: string, type: ListedType, text: string): JsonValue {
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
      // The service reads numbers in texts, also in other notations: a leading zero means octal. It explains what is not a number.
      return /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/u.test(text.trim()) &&
        Number.isSafeInteger(Math.trunc(Number(text)))
        ? // Adding zero converts -0 to 0, as the service does.
          Number(text) + 0
        : text.trim()
    default:
      return text
  }
}

/** Some editors begin files with it; JSON does not allow it. */
const BYTE_ORDER_MARK = /^\ufeff/u

function parseJson(name: string, text: string, expected: string): JsonValue {
  try {
    return JSON.parse(text.replace(BYTE_ORDER_MARK, '')) as JsonValue
  } catch {
    throw usageError(`the input "${name}" is ${JSON.stringify(text.slice(0, 60))}; expected ${expected}`)
  }
}

function filePath(input: Declared, text: string): string {
  const { name } = input
  if (!text.startsWith('@')) {
    const shown = JSON.stringify(text.slice(0, 60))
    throw usageError(`the input "${name}" is ${shown}; it takes a file: expected ${name}=@FILE`)
  }
  const path = pathIn(name, text)
  requireUsable(input, path)
  return path
}

/** @throws CommandError unless the path is that of a file, or of a folder that can be an image: a slide in DICOM */
function requireUsable({ name, type }: Declared, path: string): void {
  if (!statOf(name, path).isDirectory()) return
  if (type.id !== 'image')
    throw usageError(`${path}, for the input "${name}", is a folder; expected a file, such as a zip of it`)
  if (readdirSync(path).length === 0)
    throw usageError(`the folder ${path}, for the input "${name}", is empty`)
}

/** Predicate about a path that is neither a file nor a folder. */
export const IS_NO_FILE = 'is a pipe or a device; save its content in a file, and give that'

/** @throws CommandError unless a file or folder is at the path. A pipe may have no end, and blocks Ctrl-C until it has a writer. */
function statOf(name: string, path: string): Stats {
  const info = infoOf(name, path)
  if (info === undefined) throw usageError(`there is no file ${path} for the input "${name}"`)
  if (info.isFile() || info.isDirectory()) return info
  throw usageError(`${path}, for the input "${name}", ${IS_NO_FILE}`)
}

function infoOf(name: string, path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    throw usageError(`the file of the input "${name}" cannot be read: ${wordsOf(error)}`)
  }
}

/** The path in `@PATH`. */
function pathIn(name: string, text: string): string {
  if (text !== '@') return text.slice(1)
  throw usageError(`the input "${name}" has no file name after the @: expected ${name}=@FILE`)
}

/** Path of a file with the value of an input. */
function textPath(name: string, text: string): string {
  const path = pathIn(name, text)
  if (!statOf(name, path).isDirectory()) return path
  throw usageError(`${path} is a folder; the input "${name}" takes a file with its value`)
}

/** A folder stands for its files, sorted by name. */
function itemPaths(item: Declared, texts: readonly string[]): readonly string[] {
  const { name } = item
  const [text = '', ...others] = texts
  const path = text.startsWith('@') ? pathIn(name, text) : text
  if (others.length > 0 || !text.startsWith('@') || !statOf(name, path).isDirectory())
    return texts.map((one) => filePath(item, one))
  const names = readdirSync(path).filter((entry) => !entry.startsWith('.'))
  const paths = names
    .sort(new Intl.Collator('en', { numeric: true }).compare)
    .map((entry) => join(path, entry))
  if (paths.length === 0)
    throw usageError(`the folder ${path}, for the input "${name}", has no files; expected one for each item`)
  for (const one of paths) requireUsable(item, one)
  return paths
}

function readText(name: string, path: string): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    throw usageError(`the file of the input "${name}" cannot be read: ${wordsOf(error)}`)
  }
  if (isUtf8(bytes)) return bytes.toString()
  throw usageError(`the file ${path} of the input "${name}" is not a text in UTF-8; save it in this encoding`)
}
