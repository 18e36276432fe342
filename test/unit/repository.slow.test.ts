import { globSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parseAst } from 'vitest/node'

const MOST_LINES = 60

interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

/** Nearest syntax nodes below a value of the syntax tree. */
function* nodesIn(value: unknown): Generator<SyntaxNode> {
  if (Array.isArray(value)) for (const one of value) yield* nodesIn(one)
  else if (typeof value === 'object' && value !== null && 'type' in value) yield value as SyntaxNode
}

/** Number of lines, without blank lines and comments. */
function codeLines(source: string): number {
  return source.split('\n').filter((line) => /^\s*(?!\/\/|\/?\*)\S/u.test(line)).length
}

/** Number of lines of each function, without those of nested functions. */
function functionLines(file: string): readonly (readonly [name: string, lines: number])[] {
  const source = readFileSync(file, 'utf8')
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

it('no function has more than 60 lines, without those of nested functions, except in constructs', () => {
  const long = globSync('{src,lib,lambdas,edge,stager,local,cli,bin}/**/*.ts')
    .filter((file) => !/^lib\/(?:constructs|stacks)\//u.test(file))
    .flatMap(functionLines)
    .filter(([, lines]) => lines > MOST_LINES)

  expect(long).toEqual([])
})
