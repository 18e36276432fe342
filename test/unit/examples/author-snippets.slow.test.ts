import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { GivenInput } from '../../../cli/inputs/parse-inputs.ts'
import { collect } from '../../../cli/local-run/collect.ts'
import { createLocalRun, type LocalRun, provision, stage } from '../../../cli/local-run/local-run.ts'
import { greyPng } from '../../../cli/templates/sample-png.ts'
import { checkDescriptor } from '../../../cli/validate/check-descriptor.ts'
import { TYPE_SCHEMAS } from '../../../src/task/descriptor/parameter-type-schema.ts'
import { aDicom } from '../../fixtures/images.ts'
import { isAvailable } from '../../fixtures/requirement.ts'
import { aDescriptorText } from '../../fixtures/task-folder.ts'

/*
 * The section "Parameter types" of docs/task-authors.md: its table is the descriptor of a task, and its Python blocks are the program of
 * that task. Inputs and outputs are checked by the service's code.
 */

/** Reads a datetime that ends in Z with `fromisoformat`. */
const PYTHON_3_11 = 'import sys; sys.exit(sys.version_info < (3, 11))'
const HAS_PYTHON = isAvailable('Python 3.11', spawnSync('python3', ['-c', PYTHON_3_11]).status === 0)

/** Stand-ins for packages that the machine may not have. They refuse what the real ones refuse, as far as the examples need it. */
const PACKAGES = {
  'PIL/__init__.py': '',
  'PIL/Image.py': `from pathlib import Path

class Image:
    def __init__(self, content):
        self.content = content
    def __enter__(self):
        return self
    def __exit__(self, *_):
        pass
    def convert(self, mode):
        return self
    def save(self, path, format=None):
        if format is None and not Path(path).suffix:
            raise ValueError("unknown file extension: ")
        Path(path).write_bytes(self.content)

def open(path):
    return Image(Path(path).read_bytes())
`,
  'pydicom/__init__.py': `from pathlib import Path

class Dataset:
    def __init__(self, content):
        self.content = content
    def save_as(self, path):
        Path(path).write_bytes(self.content)

def dcmread(path):
    content = Path(path).read_bytes()
    if content[128:132] != b"DICM":
        raise ValueError("File is missing DICOM File Meta Information header")
    return Dataset(content)
`,
}

const [, section = ''] =
  /\n## Parameter types\n(.*?)\n## /su.exec(readFileSync('docs/task-authors.md', 'utf8')) ?? []
const program = [...section.matchAll(/^```python\n(.*?)^```$/gmsu)].map(([, block = '']) => block)

interface Row {
  readonly name: string
  readonly type: { readonly id: string }
  /** Content of the parameter's file; undefined if the table describes it in words. */
  readonly text: string | undefined
}

const rows = [...section.matchAll(/^\| [^|]+ \| `(\w+): (\{.*\})` \| (?:`([^`]*)`)?.* \|$/gmu)].map(
  ([, name = '', declaration = '', text]): Row => {
    const { type } = parse(declaration) as { readonly type: string | Row['type'] }
    return { name, type: typeof type === 'string' ? { id: type } : type, text }
  },
)

const SHAPE = {
  type: 'Polygon',
  coordinates: [
    [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
      [0, 0],
    ],
  ],
}
const FILES = {
  photo: Buffer.from(greyPng([[0, 255]])),
  'slide/level.dcm': aDicom(),
  'slide/deeper/level.dcm': aDicom({ pixels: Buffer.alloc(24, 1) }),
  model: Buffer.of(0, 255, 10, 13),
}
/** Values of rows whose file the table describes in words. */
const VALUES = {
  label: 'Größe 1',
  region: { type: 'Feature', properties: {}, geometry: SHAPE },
  weights: [1, 2.5],
}

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'author-snippets-'))
  putFiles(join(folder, 'packages'), PACKAGES)
  putFiles(join(folder, 'files'), FILES)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function putFiles(target: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(target, path)), { recursive: true })
    writeFileSync(join(target, path), content)
  }
}

function declared() {
  const parameters = () =>
    Object.fromEntries(rows.map(({ name, type }) => [name, { type: { ...type }, description: '' }]))
  return checkDescriptor(Buffer.from(aDescriptorText({ inputs: parameters(), outputs: parameters() })))
}

function given({ name, type, text }: Row): GivenInput {
  if (type.id === 'image' || type.id === 'file')
    return { kind: 'file', name, path: join(folder, 'files', name) }
  const isText = type.id === 'enumeration' || type.id === 'datetime'
  if (text !== undefined) return { kind: 'json', name, value: isText ? text : JSON.parse(text) }
  return { kind: 'json', name, value: VALUES[name as keyof typeof VALUES] }
}

/** Runs the Python blocks in order, as one program. */
function runProgram({ inputs, outputs }: { readonly inputs: string; readonly outputs: string }): void {
  const text = program
    .join('\n')
    .replace('"/inputs"', JSON.stringify(inputs))
    .replace('"/outputs"', JSON.stringify(outputs))
  const file = join(folder, 'main.py')
  writeFileSync(file, text)
  execFileSync('python3', [file], { env: { ...process.env, PYTHONPATH: join(folder, 'packages') } })
}

async function withRun(work: (run: LocalRun) => Promise<void>): Promise<void> {
  const { descriptor } = declared()
  if (descriptor === undefined) throw new Error('the descriptor has problems')
  const run = await createLocalRun(descriptor, tmpdir())
  try {
    await work(run)
  } finally {
    await run.close()
  }
}

describe('the examples of parameter types for task authors', () => {
  it('have a row for each type, which the service accepts without a warning about its keys', () => {
    const { findings } = declared()

    expect(new Set(rows.map(({ type }) => type.id))).toEqual(new Set(Object.keys(TYPE_SCHEMAS)))
    expect(findings.filter(({ severity }) => severity === 'problem')).toEqual([])
    expect(findings.filter(({ message }) => /unknown|no effect|did you mean/iu.test(message))).toEqual([])
  })

  it.skipIf(!HAS_PYTHON)('read each input and write each output in Python', async () => {
    await withRun(async (run) => {
      await provision(run, rows.map(given))
      const folders = await stage(run)
      for (const { name, type, text } of rows) {
        if (text !== undefined && type.id !== 'array')
          expect(readFileSync(join(folders.inputs, name), 'utf8')).toBe(text)
      }

      runProgram(folders)

      const { run: ended, outputs } = await collect(run, folders.outputs)
      expect([ended.state, ended.failure]).toEqual(['FINISHED', undefined])
      const values = Object.fromEntries(outputs.map(({ parameterName, value }) => [parameterName, value]))
      expect({ ...values, region: JSON.parse(String(values.region)) }).toMatchObject({
        ...{ flag: true, count: 17, ratio: 0.25, label: 'Größe 1', mode: 'dark' },
        ...{ taken: '2024-02-23T18:00:00Z', region: SHAPE, weights: [{ value: 1 }, { value: 2.5 }] },
      })
      const written = (path: string): Buffer => readFileSync(join(folders.outputs, path))
      expect(written('photo')).toEqual(FILES.photo)
      expect(written('model')).toEqual(FILES.model)
      expect(readdirSync(join(folders.outputs, 'slide')).sort()).toEqual(['0.dcm', '1.dcm'])
      expect(written('slide/0.dcm')).toEqual(FILES['slide/deeper/level.dcm'])
    })
  })
})
