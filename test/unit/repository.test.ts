import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseAst } from 'vitest/node'
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
        /`((?:src|lib|lambdas|edge|stager|local|cli|console|bench|test|docs|bin|examples)\/[\w./-]+)`/gu,
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

  it('run the CI script', () => {
    expect(text('.github/workflows/ci.yml')).toContain('.ci/run')
  })
})

/** Functions that are longer than {@link MOST_LINES}, with the reason. */
const LONG_FUNCTIONS: Readonly<Record<string, string>> = {
  'src/archive/zip/inflate64.ts readCodes':
    'the inner loop of a decoder, whose state stays in local variables',
}
const MOST_LINES = 60
const MOST_FILE_LINES = 300

interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

/** Syntax nodes directly below a value of the syntax tree. */
function* nodesIn(value: unknown): Generator<SyntaxNode> {
  if (Array.isArray(value)) for (const one of value) yield* nodesIn(one)
  else if (typeof value === 'object' && value !== null && 'type' in value) yield value as SyntaxNode
}

/** Lines without blank lines and comments. */
function codeLines(source: string): number {
  return source.split('\n').filter((line) => /^\s*(?!\/\/|\/?\*)\S/u.test(line)).length
}

/** Lines of each function that are not lines of a function within it. */
function functionLines(file: string): readonly (readonly [name: string, lines: number])[] {
  const source = text(file)
  const found: [string, number][] = []
  const visit = (node: SyntaxNode, name: string): number => {
    const { name: own = name } = (node.id ?? node.key ?? {}) as { readonly name?: string }
    const inner = Object.values(node).flatMap((value) => [...nodesIn(value)])
    const innerLines = inner.reduce((sum, child) => sum + visit(child, own), 0)
    if (!/^(?:Arrow)?Function(?:Declaration|Expression)$/u.test(node.type)) return innerLines
    const lines = codeLines(source.slice(node.start, node.end))
    found.push([`${file} ${own}`, lines - innerLines])
    return lines - 1
  }
  for (const node of nodesIn(parseAst(source, { lang: 'ts' }, file).body)) visit(node, '')
  return found
}

describe('the code', () => {
  const files = globSync('{src,lib,lambdas,edge,stager,local,cli,bin}/**/*.ts')
  const others = globSync('{console,bench,examples}/**/*.{ts,tsx}')

  it('has no file of more than 300 lines', () => {
    const long = [...files, ...others].filter(
      (file) => text(file).trimEnd().split('\n').length > MOST_FILE_LINES,
    )

    expect(long).toEqual([])
  })

  it('has no function of more than 60 lines, those of functions within it apart; constructs are tables', () => {
    const long = files
      .filter((file) => !/^lib\/(?:constructs|stacks)\//u.test(file))
      .flatMap(functionLines)
      .filter(([, lines]) => lines > MOST_LINES)

    expect(long.map(([name]) => name)).toEqual(Object.keys(LONG_FUNCTIONS))
  })
})

describe('the journeys at the end of the architecture', () => {
  const [, ...journeys] = (text('docs/architecture.md').split('## Journeys')[1] ?? '').split(/\n\*\*/u)

  /** A program, or a feature of `src/`. */
  const roomOf = (file: string): string => /^src\/[^/]+|^[^/]+/u.exec(file)?.[0] ?? ''

  it.each([
    { name: 'A bundle', files: 90, rooms: 10 },
    { name: 'A run', files: 70, rooms: 10 },
    { name: 'A setting, from', files: 4, rooms: 1 },
    { name: 'A setting that', files: 4, rooms: 3 },
    { name: 'A constraint', files: 20, rooms: 7 },
  ])('$name passes at most $files files in at most $rooms rooms', (limit) => {
    const journey = journeys.find((one) => one.startsWith(limit.name)) ?? ''
    const files = new Set([...journey.matchAll(/`([\w./-]+\.ts)`/gu)].map(([, file]) => file ?? ''))
    const rooms = new Set([...files].map(roomOf))

    expect(files.size).toBeGreaterThan(0)
    expect(files.size).toBeLessThanOrEqual(limit.files)
    expect(rooms.size).toBeLessThanOrEqual(limit.rooms)
  })
})
