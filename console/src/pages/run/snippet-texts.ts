import { BASE, path } from '../../api/client.ts'
import { filePath } from '../../api/runs.ts'
import type { ArrayItem, Run, RunValue, TaskInput } from '../../api/types.ts'

export type Language = 'curl' | 'python' | 'typescript'

interface Source {
  readonly run: Run
  readonly inputs: readonly TaskInput[]
  readonly values: readonly RunValue[]
}

/** Longer JSON values are fetched from this run. */
const MAX_INLINE = 2000

type Json = null | boolean | number | string | readonly Json[]

interface Given {
  /** Values in the text of the program. */
  readonly plain: readonly { readonly parameterName: string; readonly value: Json }[]
  /** Files and large values, which the program downloads from this run. */
  readonly files: readonly { readonly name: string; readonly from: string; readonly isText: boolean }[]
  /** Arrays of files, item by item. */
  readonly items: readonly { readonly name: string; readonly index: string; readonly from: string }[]
}

/** A program that starts a run with the same inputs, waits for it and prints its outputs. */
export function snippetOf(language: Language, source: Source): string {
  const given = givenBy(source)
  const { namespace, version } = source.run.task
  const about = { base: BASE.href, task: `tasks/${path(namespace, version)}`, given }
  if (language === 'curl') return curlProgram(about)
  return language === 'python' ? pythonProgram(about) : typescriptProgram(about)
}

function givenBy({ run: { id }, values }: Source): Given {
  const plain: { parameterName: string; value: Json }[] = []
  const files: { name: string; from: string; isText: boolean }[] = []
  const items: { name: string; index: string; from: string }[] = []
  for (const value of values) {
    const { parameterName: name } = value
    const leaf = value.subType ?? value.type
    if (value.type === 'ARRAY' && (leaf === 'IMAGE' || leaf === 'FILE')) {
      for (const { index } of (value.value ?? []) as readonly ArrayItem[])
        items.push({ name, index: String(index), from: filePath(id, 'input', name, [index]) })
      continue
    }
    const json = jsonOf(value.value as ArrayItem['value'])
    if (value.type === 'IMAGE' || value.type === 'FILE')
      files.push({ name, from: filePath(id, 'input', name), isText: false })
    else if (value.truncated || (value.type === 'GEOMETRY' && JSON.stringify(json).length > MAX_INLINE))
      files.push({ name, from: filePath(id, 'input', name), isText: true })
    else plain.push({ parameterName: name, value: json })
  }
  return { plain, files, items }
}

function jsonOf(value: ArrayItem['value']): Json {
  if (value === undefined) return null
  return Array.isArray(value)
    ? (value as readonly ArrayItem[]).map((item) => jsonOf(item.value))
    : (value as Json)
}

interface About {
  readonly base: string
  readonly task: string
  readonly given: Given
}

/** For POSIX shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function curlProgram({ base, task, given: { plain, files, items } }: About): string {
  return [
    `base=${quoted(base)}`,
    `run=$(curl -sf -X POST "$base"${quoted(`${task}/runs`)} | jq -r .id)`,
    ...(plain.length === 0
      ? []
      : [
          `curl -sf -X PUT "\${base}task-runs/$run/input-provisions" \\`,
          `  -H 'Content-Type: application/json' -o /dev/null -d ${quoted(JSON.stringify(plain))}`,
        ]),
    ...files.flatMap(({ name, from, isText }) => [
      `curl -sfL "$base"${quoted(from)} -o ${quoted(name)}`,
      isText
        ? `jq -Rs '{value: .}' ${quoted(name)} | curl -sf -X PUT "\${base}task-runs/$run/input-provisions/"${quoted(path(name))} -H 'Content-Type: application/json' -o /dev/null -d @-`
        : `curl -sf "\${base}task-runs/$run/input-provisions/"${quoted(path(name))} -F file=@${quoted(name)} -o /dev/null`,
    ]),
    ...items.flatMap(({ name, index, from }) => [
      `curl -sfL "$base"${quoted(from)} -o ${quoted(`${name}-${index}`)}`,
      `curl -sf "\${base}task-runs/$run/input-provisions/"${quoted(`${path(name)}/indexes?value=${index}`)} -F file=@${quoted(`${name}-${index}`)} -o /dev/null`,
    ]),
    `curl -sf "\${base}task-runs/$run/state-actions" -H 'Content-Type: application/json' -o /dev/null -d '{"desired": "RUNNING"}'`,
    `until state=$(curl -sf "\${base}task-runs/$run" | jq -r .state); [ "$state" = FINISHED ] || [ "$state" = FAILED ]; do sleep 2; done`,
    `echo "$state"`,
    `curl -sfL "\${base}task-runs/$run/outputs"`,
    '',
  ].join('\n')
}

function pythonProgram({ base, task, given: { plain, files, items } }: About): string {
  const literal = (value: Json): string => `json.loads(${JSON.stringify(JSON.stringify(value))})`
  return [
    'import json, time',
    'import requests',
    '',
    `base = ${JSON.stringify(base)}`,
    `run = requests.post(base + ${JSON.stringify(`${task}/runs`)}).json()["id"]`,
    'inputs = f"{base}task-runs/{run}/input-provisions"',
    ...(plain.length === 0
      ? []
      : [`requests.put(inputs, json=${literal(plain as unknown as Json)}).raise_for_status()`]),
    ...files.flatMap(({ name, from, isText }) => [
      `content = requests.get(base + ${JSON.stringify(from)}).content`,
      isText
        ? `requests.put(f"{inputs}/${path(name)}", json={"value": content.decode()}).raise_for_status()`
        : `requests.post(f"{inputs}/${path(name)}", files={"file": (${JSON.stringify(name)}, content)}).raise_for_status()`,
    ]),
    ...items.flatMap(({ name, index, from }) => [
      `content = requests.get(base + ${JSON.stringify(from)}).content`,
      `requests.post(f"{inputs}/${path(name)}/indexes?value=${index}", files={"file": (${JSON.stringify(name)}, content)}).raise_for_status()`,
    ]),
    'requests.post(f"{base}task-runs/{run}/state-actions", json={"desired": "RUNNING"}).raise_for_status()',
    'while (state := requests.get(f"{base}task-runs/{run}").json()["state"]) not in ("FINISHED", "FAILED"):',
    '    time.sleep(2)',
    'print(state)',
    'print(requests.get(f"{base}task-runs/{run}/outputs").json())',
    '',
  ].join('\n')
}

function typescriptProgram({ base, task, given: { plain, files, items } }: About): string {
  const send = (target: string, from: string, name: string, isText: boolean): string[] =>
    isText
      ? [`await put(\`${target}\`, { value: await (await call(${JSON.stringify(from)})).text() })`]
      : [
          '{',
          '  const form = new FormData()',
          `  form.append('file', await (await call(${JSON.stringify(from)})).blob(), ${JSON.stringify(name)})`,
          `  await call(\`${target}\`, { method: 'POST', body: form })`,
          '}',
        ]
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
    ...(plain.length === 0
      ? []
      : [`await put(\`task-runs/\${run}/input-provisions\`, ${JSON.stringify(plain, null, 2)})`]),
    ...files.flatMap(({ name, from, isText }) =>
      send(`task-runs/\${run}/input-provisions/${path(name)}`, from, name, isText),
    ),
    ...items.flatMap(({ name, index, from }) =>
      send(`task-runs/\${run}/input-provisions/${path(name)}/indexes?value=${index}`, from, name, false),
    ),
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
