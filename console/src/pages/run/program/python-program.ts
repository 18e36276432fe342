import { path } from '../../../api/paths.ts'
import type { About } from './about.ts'

/** A program for Python 3.8 or newer with requests. */
export function pythonProgram({ base, task, run, given }: About): string {
  const { plain, texts, arrays, files, empty } = given
  const hasDownloads = texts.length + arrays.length + files.length > 0
  const textOf = (from: string): string => `get(${JSON.stringify(from)}).content.decode()`
  return [
    'import json, time',
    'import requests',
    '',
    `base = ${JSON.stringify(base)}`,
    ...(hasDownloads ? GET : []),
    `run = requests.post(base + ${JSON.stringify(`${task}/runs`)}).json()["id"]`,
    'inputs = f"{base}task-runs/{run}/input-provisions"',
    ...(plain.length === 0
      ? []
      : [
          `requests.put(inputs, json=json.loads(${JSON.stringify(JSON.stringify(plain))})).raise_for_status()`,
        ]),
    ...texts.map(({ name, from }) => put(path(name), textOf(from))),
    ...arrayLines(run, arrays),
    ...empty.map(({ name, index }) => put(`${path(name)}/indexes?value=${index}`, '[]')),
    ...files.flatMap(({ name, index, from }) => [
      `content = get(${JSON.stringify(from)}).content`,
      `requests.post(f"{inputs}/${path(name)}${index === undefined ? '' : `/indexes?value=${index}`}", files={"file": (${JSON.stringify(name)}, content)}).raise_for_status()`,
    ]),
    'requests.post(f"{base}task-runs/{run}/state-actions", json={"desired": "RUNNING"}).raise_for_status()',
    'while (state := requests.get(f"{base}task-runs/{run}").json()["state"]) not in ("FINISHED", "FAILED"):',
    '    time.sleep(2)',
    'print(state)',
    'print(requests.get(f"{base}task-runs/{run}/outputs").json())',
    '',
  ].join('\n')
}

const GET = [
  '',
  'def get(path):',
  '    answer = requests.get(base + path)',
  '    answer.raise_for_status()',
  '    return answer',
  '',
] as const

function put(target: string, value: string): string {
  return `requests.put(f"{inputs}/${target}", json={"value": ${value}}).raise_for_status()`
}

/** Gives arrays as they are listed, with the whole texts of items that the list truncates. */
function arrayLines(run: string, arrays: readonly string[]): string[] {
  if (arrays.length === 0) return []
  return [
    '',
    'def whole(item):',
    '    value = item["value"]',
    '    if item.get("truncated"):',
    '        value = get(item["href"]).content.decode()',
    '    elif isinstance(value, list):',
    '        value = [whole(inner) for inner in value]',
    '    return {"index": item["index"], "value": value}',
    '',
    `for listed in get(${JSON.stringify(`${run}/inputs`)}).json():`,
    `    if listed["parameterName"] in ${JSON.stringify(arrays)}:`,
    '        value = [whole(item) for item in listed["value"]]',
    '        requests.put(f"{inputs}/{listed[\'parameterName\']}", json={"value": value}).raise_for_status()',
  ]
}
