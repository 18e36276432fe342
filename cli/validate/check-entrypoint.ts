import { posix } from 'node:path'
import { commandLineOf, variablesOf } from '../../local/embedded/image-config.ts'
import { quoted } from '../../src/contract/quoted.ts'
import type { TreeEntry } from '../image/tree-node.ts'
import { type CommandWords, checkArgument, checkScriptOfShell, innerCommand } from './check-arguments.ts'
import { closedTo, readUser } from './check-user.ts'
import { type Finding, problem, warning } from './finding.ts'
import { type ReadImage, workingDirectory } from './read-image.ts'

/** PATH that container engines set if the image does not. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const EXECUTABLE = 0o111
/** Maximum number of interpreters that call interpreters, such as `#!/usr/bin/env python3`. */
const MAX_STEPS = 4

/** Where a command is named. */
interface Use {
  readonly what: string
  /** Number of programs that call it. */
  readonly step: number
  /** A shell starts it: the shell interprets a script without first line itself, and has commands of its own. */
  readonly isInShell?: boolean
}

/** An image, and the user that runs its command. */
interface Checked extends ReadImage {
  /** Undefined when it is unknown. */
  readonly uid: number | undefined
}

/** Checks that the container can start: the command's file is in the image and executable, and so is its interpreter or loader. */
export async function checkEntrypoint(image: ReadImage): Promise<Finding[]> {
  if (image.tree.isCut())
    return [
      warning(
        'image',
        'the image has too many files to look for its command; try it with "cytomine-task run"',
      ),
    ]
  const [command = '', ...others] = commandLineOf(image.config, [])
  const { uid, findings } = await readUser(image)
  const checked = { ...image, uid }
  return [
    ...(await checkCommand(checked, command, { what: 'its command', step: 0 })),
    ...findings,
    ...(await checkWords(checked, { command, others })),
  ]
}

/** Checks what follows the command: files, and the command that a shell or `env` starts. */
async function checkWords(image: Checked, words: CommandWords): Promise<Finding[]> {
  const inner = innerCommand(words)
  if (inner !== undefined) {
    const use = { what: `the command of ${words.command},`, step: 1, isInShell: inner.isInShell }
    return [...(await checkCommand(image, inner.command, use)), ...(await checkWords(image, inner))]
  }
  return [
    ...words.others.flatMap((word) => checkArgument(image, words.command, word)),
    ...(await checkScriptOfShell(image, words)),
  ]
}

async function checkCommand(image: Checked, command: string, use: Use): Promise<Finding[]> {
  const path = resolveCommand(image, command)
  const entry = path === undefined ? undefined : image.tree.find(path)
  const name = `${use.what} ${quoted(command)}`
  const mount = hidingMount(image, path)
  if (mount !== undefined) {
    const words = `${name} is ${path}, which a run does not have: its files are mounted at ${mount}; COPY the program to another folder`
    return [problem('image', words)]
  }
  if (path === undefined || entry === undefined) {
    const words = notFound(image, name, command)
    return [use.isInShell === true ? warning('image', words) : problem('image', words)]
  }
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
  const closed = closedTo(image.tree, image.uid, path)
  if (closed !== undefined) {
    const words = `${name} is ${path}, which the image's user (uid ${image.uid}) cannot execute: ${closed}; add "RUN chmod a+rx" for it, or "COPY --chmod=755", or remove USER`
    return [problem('image', words)]
  }
  return checkFile(image, { name, path, entry, use })
}

/** Mount point that hides a path of the image in a run. */
function hidingMount({ tree, mountPoints }: ReadImage, path: string | undefined): string | undefined {
  const real = path === undefined ? undefined : tree.realPath(path)
  return real === undefined ? undefined : mountPoints.find((folder) => real.startsWith(`${folder}/`))
}

interface FoundCommand {
  readonly name: string
  readonly path: string
  readonly entry: TreeEntry
  readonly use: Use
}

async function checkFile(image: Checked, { name, path, entry, use }: FoundCommand): Promise<Finding[]> {
  const file = await image.programOf(entry)
  if (file === undefined) return []
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
      return checkScript(image, { name, path, use }, file)
    case 'unknown': {
      if (use.isInShell === true && !file.isEmpty) return []
      const what = file.isEmpty
        ? 'an empty file'
        : 'neither a program nor a script with a first line such as #!/bin/sh'
      return [
        problem('image', `${name} is ${path}, ${what}; add the line, or name the interpreter in ENTRYPOINT`),
      ]
    }
  }
}

async function checkScript(
  image: Checked,
  { name, path, use }: Omit<FoundCommand, 'entry'>,
  { interpreter, hasCarriageReturn }: { readonly interpreter: string; readonly hasCarriageReturn: boolean },
): Promise<Finding[]> {
  if (hasCarriageReturn) {
    return [
      problem(
        'image',
        `${name} is ${path}, a script with Windows line ends, so its interpreter would be ${quoted(`${interpreter}\r`)}; save it with Unix line ends (dos2unix, or "* text eol=lf" in .gitattributes)`,
      ),
    ]
  }
  const [program = '', argument = ''] = interpreter.split(/\s+/u)
  const called = { what: `the interpreter of ${path},`, step: use.step + 1 }
  if (use.step >= MAX_STEPS || program === '') return []
  const found = await checkCommand(image, program, called)
  const isEnv = posix.basename(program) === 'env' && argument !== '' && !argument.startsWith('-')
  if (found.length > 0 || !isEnv) return found
  return checkCommand(image, argument, called)
}

/** Path at which the runtime finds a command; undefined when it is in none of the folders of PATH. */
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
