import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, it } from 'vitest'
import { LEFT_OUT, STACK_SUITES } from '../../emulators/stack-suites.ts'

const files = globSync(join(import.meta.dirname, '../../integration/*.test.ts'))
const names = files.map((file) => basename(file, '.test.ts'))

it('every integration test runs on other emulators, or the list of exceptions has the reason', () => {
  const known: readonly string[] = [...STACK_SUITES, ...Object.keys(LEFT_OUT)]

  expect(names.filter((name) => !known.includes(name))).toEqual([])
})

it('every suite for other emulators is an integration test', () => {
  expect(STACK_SUITES.filter((suite) => !names.includes(suite))).toEqual([])
})
