import type { Random } from './random.ts'

/** Matches a value, a key with its colon, a bracket or a comma. */
const TOKEN = /"(?:[^"\\]|\\.)*"\s*:|"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|true|false|null|[[\]{},]/gu

const LARGE_LENGTH = 100_000

/** Changes some tokens of a document. The result may be invalid JSON. */
export function mutateJson(text: string, random: Random): string {
  let mutated = text
  // Stops when the document is large, because its tokens need more memory here than in the importer.
  for (let count = 1 + random.below(3); count > 0 && mutated.length < LARGE_LENGTH; count -= 1) {
    const tokens = [...mutated.matchAll(TOKEN)]
    const token = tokens[random.below(tokens.length)]
    if (token === undefined) return mutated
    const end = token.index + token[0].length
    mutated = mutated.slice(0, token.index) + replacement(token[0], random) + mutated.slice(end)
  }
  return mutated
}

function replacement(token: string, random: Random): string {
  // Large values are rare, because each takes as long as a hundred others.
  if (random.chance(0.004)) return '9'.repeat(1_000_000)
  if (random.chance(0.01)) return deep(random)
  if (token.endsWith(':')) return keyInstead(token, random)
  return random.pick<() => string>([
    () => '',
    () => 'null',
    () => random.pick(['0', '-1', '1e999', '9007199254740993', '0.1', '00']),
    () => random.pick(['""', '"\\u0000"', '"\\ud800"', '"../../etc/passwd"', '"sha256:"', '"sha512:00"']),
    () => random.pick(['[]', '{}', '[[]]', '[null]', '{"":{}}', '[1,2,3]']),
    () => `${token},${token}`,
    () => `[${token}]`,
    () => random.pick(['linux', '"linux"', '"arm64"', '"unknown"', '"amd64"']),
    () => token.split('').reverse().join(''),
    () => `"${'x'.repeat(random.below(5000))}"`,
  ])()
}

/** Another key, no key, or the same key twice (most parsers use the last one). */
function keyInstead(token: string, random: Random): string {
  return random.pick([
    '',
    `${token} null, ${token}`,
    '"__proto__":',
    '"constructor":',
    '"manifests":',
    '"layers":',
    '"config":',
    '"rootfs":',
    '"diff_ids":',
    '"platform":',
    '"urls":',
    token.toUpperCase(),
  ])
}

function deep(random: Random): string {
  const depth = random.pick([100, 10_000, 100_000])
  const [open, close] = random.pick<readonly [string, string]>([
    ['[', ']'],
    ['{"a":', '}'],
  ])
  return open.repeat(depth) + (open === '[' ? '' : '1') + close.repeat(random.chance(0.9) ? depth : depth - 1)
}
