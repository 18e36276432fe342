import { posix } from 'node:path'
import { type RunConfig, variablesOf, wordsOf } from '../../local/embedded/image-config.ts'
import { quoted } from '../../src/contract/quoted.ts'
import type { ImageTree, TreeEntry } from '../image/image-tree.ts'
import type { OpenLayer } from '../image/open-image.ts'
import { PROGRAM_START_BYTES, recogniseProgram } from '../image/program-file.ts'
import { readContent } from '../image/read-content.ts'
import { type Finding, problem, warning } from './finding.ts'

/** An image whose layers were read. */
export interface ReadImage {
  readonly config: RunConfig
  readonly tree: ImageTree
  readonly layers: readonly OpenLayer[]
  /** Where files of the run are mounted; what a command names below them is not in the image. */
  readonly mountPoints: readonly string[]
}

/** As container engines set it when the image does not. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const EXECUTABLE = 0o111
/** Interpreters that call interpreters: `#!/usr/bin/env python3`. */
const MAX_STEPS = 4

/** Checks that the container can start: the command's file is in the image, executable, and what runs it is there too. */
export async function checkEntrypoint(image: ReadImage): Promise<Finding[]> {
  if (image.tree.isCut()) return [warning('image', 'the image has too many files to look for its command')]
  const words = wordsOf(image.config, [])
  const [command = '', ...others] = words
  return [
    ...(await checkCommand(image, command, 'its command', 0)),
    ...checkUser(image),
    ...others.flatMap((word) => checkArgument(image, command, word)),
  ]
}

async function checkCommand(
  image: ReadImage,
  command: string,
  what: string,
  step: number,
): Promise<Finding[]> {
  const path = resolveCommand(image, command)
  const entry = path === undefined ? undefined : image.tree.find(path)
  const name = `${what} ${quoted(command)}`
  if (path === undefined || entry === undefined) return [problem('image', notFound(image, name, command))]
  if (entry.kind !== 'file') {
    return [problem('image', `${name} is ${path}, a folder or a device; name a program in ENTRYPOINT or CMD`)]
  }
  if ((entry.mode & EXECUTABLE) === 0) {
    return [
      problem(
        'image',
        `${name} is ${path}, which has no execute permission (mode ${entry.mode.toString(8)}); add "RUN chmod +x ${path}" or "COPY --chmod=755" to the Dockerfile`,
      ),
    ]
  }
  return checkFile(image, { name, path, entry, step })
}

interface FoundCommand {
  readonly name: string
  readonly path: string
  readonly entry: TreeEntry
  readonly step: number
}

async function checkFile(image: ReadImage, { name, path, entry, step }: FoundCommand): Promise<Finding[]> {
  const layer = image.layers[entry.layer]
  const start =
    layer === undefined ? undefined : await readContent(layer, entry.contentPath, PROGRAM_START_BYTES)
  if (start === undefined) return []
  const file = recogniseProgram(start)
  switch (file.kind) {
    case 'foreign':
      return [
        problem(
          'image',
          `${name} is ${path}, a program for ${file.machine}; tasks run on linux/amd64: build it, and the image, with --platform linux/amd64`,
        ),
      ]
    case 'program':
      if (file.loader === undefined || image.tree.find(file.loader) !== undefined) return []
      return [
        problem(
          'image',
          `${name} is ${path}, which needs ${file.loader}, and the image has none; link the program statically, or start FROM an image with that C library`,
        ),
      ]
    case 'script':
      return checkScript(image, { name, path, step }, file)
    case 'unknown': {
      const what = file.isEmpty
        ? 'an empty file'
        : 'no program, and no script with a first line such as #!/bin/sh'
      return [
        problem('image', `${name} is ${path}, ${what}; add the line, or name the interpreter in ENTRYPOINT`),
      ]
    }
  }
}

async function checkScript(
  image: ReadImage,
  { name, path, step }: Omit<FoundCommand, 'entry'>,
  { interpreter, hasCarriageReturn }: { readonly interpreter: string; readonly hasCarriageReturn: boolean },
): Promise<Finding[]> {
  if (hasCarriageReturn) {
    return [
      problem(
        'image',
        `${name} is ${path}, a script with Windows line ends: its interpreter would be ${quoted(`${interpreter}\r`)}; save it with Unix line ends (dos2unix, or "* text eol=lf" in .gitattributes)`,
      ),
    ]
  }
  const [program = '', argument = ''] = interpreter.split(/\s+/u)
  if (step >= MAX_STEPS || program === '') return []
  const found = await checkCommand(image, program, `the interpreter of ${path},`, step + 1)
  const isEnv = posix.basename(program) === 'env' && argument !== '' && !argument.startsWith('-')
  if (found.length > 0 || !isEnv) return found
  return checkCommand(image, argument, `the interpreter of ${path},`, step + 1)
}

/** Where the runtime finds a command; undefined when it is in none of the folders of PATH. */
function resolveCommand({ config, tree }: ReadImage, command: string): string | undefined {
  if (command.includes('/')) return posix.resolve(workingDirectory(config), command)
  const folders = (variablesOf(config).PATH ?? DEFAULT_PATH).split(':')
  const paths = folders.map((folder) =>
    posix.join(folder === '' ? workingDirectory(config) : folder, command),
  )
  const isExecutable = (path: string): boolean => {
    const entry = tree.find(path)
    return entry?.kind === 'file' && (entry.mode & EXECUTABLE) !== 0
  }
  return paths.find(isExecutable) ?? paths.find((path) => tree.find(path) !== undefined)
}

function workingDirectory({ config }: RunConfig): string {
  return posix.resolve('/', config?.WorkingDir || '/')
}

function notFound({ config }: ReadImage, name: string, command: string): string {
  const where = command.includes('/')
    ? 'in the image'
    : `in the folders of PATH (${variablesOf(config).PATH ?? DEFAULT_PATH})`
  const shell =
    name.startsWith('its command') && posix.basename(command) === 'sh'
      ? '; without a shell, write ENTRYPOINT as a list: ["/program"]'
      : ''
  return `${name} is not ${where}; check ENTRYPOINT and CMD, and what COPY and RUN put there${shell}`
}

/** A user by name has to be known to the image. */
function checkUser({ config, tree }: ReadImage): Finding[] {
  const [user = ''] = (config.config?.User ?? '').split(':')
  if (user === '' || /^\d+$/u.test(user) || user === 'root' || tree.find('/etc/passwd') !== undefined)
    return []
  return [
    problem(
      'image',
      `its user ${quoted(user)} does not exist, as the image has no /etc/passwd; write USER with a number, or create the user`,
    ),
  ]
}

/** A word like `/app/run.py` is most often a file that the command reads. */
function checkArgument({ tree, mountPoints }: ReadImage, command: string, word: string): Finding[] {
  if (!/^\/[\w./-]+\.\w+$/u.test(word)) return []
  if (mountPoints.some((folder) => word === folder || word.startsWith(`${folder}/`))) return []
  if (tree.find(word) !== undefined) return []
  return [
    warning(
      'image',
      `the command ${quoted(command)} gets the word ${quoted(word)}, and the image has no such file; check what COPY puts there`,
    ),
  ]
}
