import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseAst } from 'vitest/node'

const MAX_LINES = 60

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

/** Functions of more than {@link MAX_LINES} lines, those of nested functions included. */
function longFunctions(source: string, lang: 'ts' | 'tsx'): string[] {
  const found: string[] = []
  const visit = (node: SyntaxNode, name: string): void => {
    const { name: own = name } = (node.id ?? node.key ?? {}) as { readonly name?: string }
    const isFunction = /^(?:Arrow)?Function(?:Declaration|Expression)$/u.test(node.type)
    const lines = isFunction ? codeLines(source.slice(node.start, node.end)) : 0
    if (lines > MAX_LINES) found.push(`${own}: ${lines}`)
    for (const child of Object.values(node).flatMap((value) => [...nodesIn(value)])) visit(child, own)
  }
  for (const node of nodesIn(parseAst(source, { lang }).body)) visit(node, '')
  return found
}

describe('the length of functions', () => {
  it('is at most 60 lines with their nested functions, except in constructs', () => {
    const files = globSync('{src,lib,lambdas,edge,stager,local,cli,bin,console}/**/*.{ts,tsx}')
    const checked = files.filter((file) => !/^lib\/(?:constructs|stacks)\//u.test(file))
    const long = checked.flatMap((file) =>
      longFunctions(readFileSync(file, 'utf8'), file.endsWith('.tsx') ? 'tsx' : 'ts').map(
        (name) => `${file} ${name}`,
      ),
    )

    expect(checked.length).toBeGreaterThan(500)
    expect(long).toEqual([])
  })

  it('includes that of nested functions', () => {
    const nested = `const inner = () => {\n${'  work()\n'.repeat(31)}}\n`.repeat(2)

    expect(longFunctions(`function outer() {\n${nested}}`, 'ts')).toEqual(['outer: 68'])
  })
})
