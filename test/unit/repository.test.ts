import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

const DOCUMENTS = globSync(['*.md', 'docs/**/*.md', 'bench/*.md', 'examples/**/*.md'])
const WORKFLOWS = globSync('.github/workflows/*.yml')

const text = (file: string): string => readFileSync(file, 'utf8')

describe('the documents', () => {
  it('fit the first page: the README has fewer than 120 lines', () => {
    expect(text('README.md').split('\n').length).toBeLessThan(120)
  })

  it.each([...DOCUMENTS, ...WORKFLOWS])('%s names commands that exist', (file) => {
    const { scripts } = JSON.parse(text('package.json')) as { scripts: Record<string, string> }
    const named = [...text(file).matchAll(/npm run ([a-z][a-z:-]*[a-z])/gu)].map(([, name]) => name ?? '')

    expect(named.filter((name) => scripts[name] === undefined)).toEqual([])
  })

  it.each(DOCUMENTS)('%s links to files that exist', (file) => {
    const links = [...text(file).matchAll(/\]\((?!https?:|mailto:|#)([^)#]+)/gu)].map(
      ([, link]) => link ?? '',
    )

    expect(links.filter((link) => !existsSync(join(dirname(file), link)))).toEqual([])
  })

  it.each(DOCUMENTS)('%s names files of the repository that exist', (file) => {
    const named = [
      ...text(file).matchAll(
        /`((?:src|lib|lambdas|edge|stager|local|cli|bench|test|docs|bin|examples)\/[\w./-]+)`/gu,
      ),
    ].map(([, name]) => name ?? '')

    expect(named.filter((name) => !existsSync(name))).toEqual([])
  })
})

describe('the GitHub workflows', () => {
  it.each(WORKFLOWS)('%s has jobs, and permissions that are named', (file) => {
    const workflow = parse(text(file)) as { jobs: Record<string, { steps: unknown[] }>; permissions: object }

    expect(Object.values(workflow.jobs).every((job) => job.steps.length > 0)).toBe(true)
    expect(Object.keys(workflow.permissions)).toContain('contents')
  })

  it('run the CI that everybody can run', () => {
    expect(text('.github/workflows/ci.yml')).toContain('.ci/run')
  })
})
