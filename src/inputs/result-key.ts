import { createHash } from 'node:crypto'
import type { FileContent, InputValue, Run } from '../run/run.ts'
import { digestOf } from '../shared/content-digest.ts'
import type { Task, TaskInput } from '../task/task.ts'
import { itemName, itemProvisions } from './array-provisions.ts'

/** Version of the algorithm, part of every key: keys of another version must not match. */
const VERSION = 'result-1'

/**
 * Key of what a run computes: SHA-256 of the image's digest, what the container sees (the inputs' names and digests,
 * the folders, whether it reaches the internet), and the declared outputs: name, type, `optional`, matching arrays. Name,
 * version, texts, CPUs, memory and GPUs of the task do not count. Equal files that are stored in different ways, such as an array that was
 * provisioned as a whole and one that was provisioned item by item, may have different keys.
 * @param values that the provisions point at, defaults included
 * @returns names of the inputs without a digest when there is no key
 */
export function resultKeyOf(
  task: Task,
  run: Pick<Run, 'provisions'>,
  values: readonly InputValue[],
): { readonly key: string } | { readonly undigested: readonly string[] } {
  const digests = new InputDigests(values)
  const inputs = task.inputs.map((input) => [input.name, digests.ofInput(run, input)])
  if (digests.undigested.size > 0) return { undigested: [...digests.undigested] }
  const { image, inputFolder, outputFolder, resources, outputs, matchingGroups } = task
  const results = outputs.map(({ name, type, optional }) => ({ name, type, optional }))
  const container = [image.digest, inputFolder, outputFolder, resources.internet]
  const text = JSON.stringify([VERSION, container, inputs, results, matchingGroups])
  return { key: createHash('sha256').update(text).digest('hex') }
}

/** Form and digest of a file. The form counts, since a zip is unpacked for the container. */
type FileDigest = readonly [form: 'file' | 'folder' | 'packed folder', digest: string]

class InputDigests {
  readonly undigested = new Set<string>()
  readonly #values: ReadonlyMap<string, InputValue>

  constructor(values: readonly InputValue[]) {
    this.#values = new Map(values.map((value) => [value.parameterName, value]))
  }

  /** The files of an input; null when it has none. */
  ofInput(run: Pick<Run, 'provisions'>, { name, type }: TaskInput): object | null {
    const whole = run.provisions[name]?.kind === 'value' ? this.#ofValue(name, name) : null
    if (type.id !== 'array') return whole
    const items = [...itemProvisions(run, name).keys()].map((path) => {
      const item = itemName(name, path.split('/').map(Number))
      return [path, this.#ofValue(item, name)] as const
    })
    if (whole === null && items.length === 0) return null
    return { whole, items: items.toSorted(([a], [b]) => (a < b ? -1 : 1)) }
  }

  #ofValue(valueName: string, inputName: string): object | null {
    const value = this.#values.get(valueName)
    const companion = value?.companion
    const file = value && digestOfFile(value.file)
    const beside = companion && digestOfFile(companion)
    if (file === undefined || (companion !== undefined && beside === undefined)) {
      this.undigested.add(inputName)
      return null
    }
    return beside === undefined ? [file] : [file, beside]
  }
}

function digestOfFile(file: FileContent): FileDigest | undefined {
  if (file.kind === 'inline') return ['file', digestOf(file.text)]
  const { kind, digest } = file
  return digest === undefined ? undefined : [FORMS[kind], digest]
}

const FORMS = { object: 'file', tree: 'folder', zip: 'packed folder' } as const
