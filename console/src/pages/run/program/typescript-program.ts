import { path } from '../../../api/paths.ts'
import type { About } from './about.ts'

/** A program for Node 22.18 or newer, which ignores types, and for browsers after compilation. */
export function typescriptProgram({ base, task, run, given }: About): string {
  const { plain, texts, arrays, files, empty } = given
  return [
    `const base = ${JSON.stringify(base)}`,
    'async function call(path: string, init?: RequestInit): Promise<Response> {',
    '  const answer = await fetch(base + path, init)',
    '  if (!answer.ok) throw new Error(await answer.text())',
    '  return answer',
    '}',
    "const headers = { 'content-type': 'application/json' }",
    "const put = (path: string, body: unknown) => call(path, { method: 'PUT', headers, body: JSON.stringify(body) })",
    '',
    `const { id: run } = (await (await call(${JSON.stringify(`${task}/runs`)}, { method: 'POST' })).json()) as { id: string }`,
    `const inputs = \`task-runs/\${run}/input-provisions\``,
    ...(plain.length === 0 ? [] : [`await put(inputs, ${JSON.stringify(plain, null, 2)})`]),
    ...texts.map(({ name, from }) => put(path(name), `await (await call(${JSON.stringify(from)})).text()`)),
    ...arrayLines(run, arrays),
    ...empty.map(({ name, index }) => put(`${path(name)}/indexes?value=${index}`, '[]')),
    ...files.flatMap(({ name, index, from }) => [
      '{',
      '  const form = new FormData()',
      `  form.append('file', await (await call(${JSON.stringify(from)})).blob(), ${JSON.stringify(name)})`,
      `  await call(\`\${inputs}/${path(name)}${index === undefined ? '' : `/indexes?value=${index}`}\`, { method: 'POST', body: form })`,
      '}',
    ]),
    `await call(\`task-runs/\${run}/state-actions\`, { method: 'POST', headers, body: '{"desired": "RUNNING"}' })`,
    'const here = "task-runs/" + run',
    "let state = ''",
    "while (state !== 'FINISHED' && state !== 'FAILED') {",
    '  await new Promise((resolve) => setTimeout(resolve, 2000))',
    '  state = ((await (await call(here)).json()) as { state: string }).state',
    '}',
    "console.log(state, await (await call(here + '/outputs')).json())",
    '',
  ].join('\n')
}

function put(target: string, value: string): string {
  return `await put(\`\${inputs}/${target}\`, { value: ${value} })`
}

/** Gives arrays as they are listed, with the whole texts of items that the list truncates. */
function arrayLines(run: string, arrays: readonly string[]): string[] {
  if (arrays.length === 0) return []
  return [
    'type Item = { index: number; value: unknown; truncated?: true; href?: string }',
    'async function whole({ index, value, truncated, href }: Item): Promise<unknown> {',
    '  if (truncated) return { index, value: await (await call(String(href))).text() }',
    '  return { index, value: Array.isArray(value) ? await all(value) : value }',
    '}',
    'async function all(items: Item[]): Promise<unknown[]> {',
    '  const done: unknown[] = []',
    '  for (const item of items) done.push(await whole(item))',
    '  return done',
    '}',
    `const listed = (await (await call(${JSON.stringify(`${run}/inputs`)})).json()) as { parameterName: string; value: Item[] }[]`,
    'for (const { parameterName, value } of listed)',
    `  if (${JSON.stringify(arrays)}.includes(parameterName)) await put(\`\${inputs}/\${parameterName}\`, { value: await all(value) })`,
  ]
}
