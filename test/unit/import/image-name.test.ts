import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { imageName } from '../../../src/import/image-name.ts'

const namespaces = fc.stringMatching(/^[a-zA-Z0-9_]*(\.[a-zA-Z0-9_-]+)+$/u)
const versions = fc.stringMatching(/^(0|[1-9]\d*)\.(0|[1-9]\d*)\.\d(-[0-9a-zA-Z-]+)?(\+[0-9a-zA-Z-]+)?$/u)

/** Names that ECR's CreateRepository accepts. */
const REPOSITORY = /^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*\/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$/u
/** Distribution specification, "Pulling manifests". */
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/u

describe('names of task images', () => {
  it('show namespace and version', () => {
    const { repository, tag } = imageName('tasks', 'com.Example.count_cells', '1.0.0-rc.1+b2')

    expect(repository).toMatch(/^tasks\/com-example-count-cells-[0-9a-f]{32}$/u)
    expect(tag).toBe('1.0.0-rc.1_b2')
  })

  it('omit the readable part when nothing of it remains', () => {
    expect(imageName('tasks', '._', '1.0.0').repository).toMatch(/^tasks\/[0-9a-f]{32}$/u)
  })

  it('are valid in registries', () => {
    fc.assert(
      fc.property(namespaces, versions, (namespace, version) => {
        const { repository, tag } = imageName('app-engine', namespace, version)
        expect(repository).toMatch(REPOSITORY)
        expect(repository.length).toBeLessThanOrEqual(256)
        expect(tag).toMatch(TAG)
      }),
    )
  })

  it('differ when namespaces or versions differ', () => {
    const task = fc.tuple(namespaces, versions)
    fc.assert(
      fc.property(task, task, (one, other) => {
        fc.pre(one.join() !== other.join())
        expect(imageName('p', ...one)).not.toEqual(imageName('p', ...other))
      }),
    )
  })

  it.each([
    ['com.example.Count', 'com.example.count'],
    ['com.example.a-b', 'com.example.a_b'],
    ['.example.task', 'example.task'],
  ])('differ for %s and %s', (one, other) => {
    expect(imageName('p', one, '1.0.0').repository).not.toBe(imageName('p', other, '1.0.0').repository)
  })

  it('differ for long versions with the same start', () => {
    const long = `1.0.0-${'a'.repeat(200)}`

    expect(imageName('p', 'a.b', `${long}b`).tag).not.toBe(imageName('p', 'a.b', `${long}c`).tag)
    expect(imageName('p', 'a.b', long).tag).toMatch(/^sha256-[0-9a-f]{64}$/u)
  })
})
