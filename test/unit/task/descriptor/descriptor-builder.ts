import { stringify } from 'yaml'
import {
  type DescriptorProblem,
  parseTaskDescriptor,
} from '../../../../src/task/descriptor/parse-task-descriptor.ts'
import type { TaskDescriptor } from '../../../../src/task/task.ts'

/** A valid descriptor as plain values. `changes` replace top-level keys; undefined removes a key. */
export function aRawDescriptor(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const descriptor = {
    $schema: 'https://cytomine.com/schema-store/tasks/task.v0.json',
    name: 'Count cells',
    namespace: 'com.example.count',
    version: '1.0.0',
    authors: [{ first_name: 'Ada', last_name: 'Byron', organization: 'Example', email: 'ada@example.org' }],
    configuration: {},
    inputs: {},
    outputs: {},
    ...changes,
  }
  return Object.fromEntries(Object.entries(descriptor).filter(([, value]) => value !== undefined))
}

/** One input named `a` in an otherwise valid descriptor. */
export function withInput(input: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return aRawDescriptor({ inputs: { a: { description: 'An input', ...input } } })
}

/** Parses YAML, or plain values as YAML. New ids count up. */
export function parse(descriptor: unknown): ReturnType<typeof parseTaskDescriptor> {
  let count = 0
  const text =
    typeof descriptor === 'string' ? descriptor : stringify(descriptor, { aliasDuplicateObjects: false })
  const newId = (): string => {
    count += 1
    return `id-${count}`
  }
  return parseTaskDescriptor(text, { newId, defaultRamBytes: 4 * 1024 ** 3 })
}

export function parseValid(descriptor: unknown): TaskDescriptor {
  const parsed = parse(descriptor)
  if ('problems' in parsed) throw new Error(parsed.problems.map(({ message }) => message).join('\n'))
  return parsed.descriptor
}

export function problemsOf(descriptor: unknown): readonly DescriptorProblem[] {
  const parsed = parse(descriptor)
  return 'problems' in parsed ? parsed.problems : []
}

export function pathsOf(descriptor: unknown): readonly string[] {
  return problemsOf(descriptor).map(({ path }) => path)
}
