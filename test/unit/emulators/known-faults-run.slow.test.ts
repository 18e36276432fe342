import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { PROJECT, programPath } from '../../../local/aws-environment.ts'

const reportSchema = z.object({
  testResults: z.tuple([
    z.object({ assertionResults: z.array(z.object({ title: z.string(), status: z.string() })) }),
  ]),
})

it('a run of the tests fails when a known fault starts to pass, and not while it fails', () => {
  const { VITEST: _, ...environment } = process.env

  const { stdout, status } = spawnSync('vitest', ['run', '--reporter=json'], {
    cwd: join(PROJECT, 'test/fixtures/known-faults'),
    env: { ...environment, PATH: programPath() },
    encoding: 'utf8',
  })

  const [file] = reportSchema.parse(JSON.parse(stdout)).testResults
  expect(file.assertionResults.map(({ title, status: outcome }) => [title, outcome])).toEqual([
    ['is correct', 'passed'],
    ['is still wrong', 'passed'],
    ['has been fixed', 'failed'],
  ])
  expect(status).toBe(1)
})
