import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collect } from '../../../cli/local-run/collect.ts'
import { createLocalRun, provision, stage } from '../../../cli/local-run/local-run.ts'
import { greyPng } from '../../../cli/templates/sample-png.ts'
import { checkDescriptor } from '../../../cli/validate/check-descriptor.ts'

const { descriptor, findings } = checkDescriptor(readFileSync('examples/threshold/descriptor.yml'))

/** Runs the program without a container, because base images cannot be pulled everywhere. The service's code handles inputs and outputs. */
async function segment(rows: readonly (readonly number[])[]) {
  if (descriptor === undefined) throw new Error('the descriptor has problems')
  const run = await createLocalRun(descriptor, tmpdir())
  try {
    const image = join(run.folder, 'image.png')
    await writeFile(image, greyPng(rows))
    await provision(run, [
      { kind: 'file', name: 'image', path: image },
      { kind: 'json', name: 'smallest', value: 1 },
    ])
    const { inputs, outputs } = await stage(run)
    execFileSync('python3', ['examples/threshold/threshold.py'], {
      env: { ...process.env, INPUTS: inputs, OUTPUTS: outputs },
    })
    const { run: ended, outputs: listed } = await collect(run, outputs)
    const listedValue = (name: string) => listed.find(({ parameterName }) => parameterName === name)?.value
    return {
      state: ended.state,
      reason: ended.failure?.message,
      count: listedValue('count'),
      regions: listedValue('regions'),
    }
  } finally {
    await run.close()
  }
}

describe('the example threshold', () => {
  it('has a descriptor without problems or warnings', () => {
    expect(findings).toEqual([])
  })

  it('returns the outlines of dark regions, with y upwards', async () => {
    const { state, count, regions } = await segment([
      [0, 255, 255],
      [255, 255, 255],
      [255, 0, 0],
    ])

    expect(state).toBe('FINISHED')
    expect(count).toBe(2)
    const [first] = regions as { value: string }[]
    expect(JSON.parse(first?.value ?? '')).toEqual({
      type: 'Polygon',
      coordinates: [
        [
          [0, 3],
          [1, 3],
          [1, 2],
          [0, 2],
          [0, 3],
        ],
      ],
    })
  })

  it('returns geometries that the service accepts, for any image', async () => {
    const pixel = fc.constantFrom(0, 255)
    const anyRows = fc.array(fc.array(pixel, { minLength: 5, maxLength: 5 }), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(anyRows, async (rows) => {
        expect(await segment(rows)).toMatchObject({ state: 'FINISHED', reason: undefined })
      }),
      { numRuns: 25 },
    )
  })
})
