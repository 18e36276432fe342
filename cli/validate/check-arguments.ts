import { posix } from 'node:path'
import { quoted } from '../../src/contract/quoted.ts'
import { isWithin } from '../../src/task/descriptor/folders.ts'
import { type Finding, warning } from './finding.ts'
import { type ReadImage, workingDirectory } from './read-image.ts'

/** A command with its arguments. */
export interface CommandWords {
  readonly command: string
  readonly others: readonly string[]
}

const SHELLS: ReadonlySet<string> = new Set(['sh', 'bash', 'dash', 'ash'])
/** Programs that start the program after them. */
const STARTERS: ReadonlySet<string> = new Set(['env', 'tini', 'dumb-init'])
/** Commands of a shell that are not files. */
const OF_SHELLS: ReadonlySet<string> = new Set(
  '. : [ alias bg break builtin case cd command continue declare do echo enable eval exit export false fg for function getopts hash if jobs kill let local mapfile popd printf pushd pwd read readarray readonly return select set shift shopt source test time times trap true type typeset ulimit umask unset until wait while {'.split(
    ' ',
  ),
)
/** Interpreters that take the name of a script, and names of scripts. */
const INTERPRETER =
  /^(?:python[\d.]*|node|Rscript|ruby|perl|julia|octave|php|lua[\d.]*|java|sh|bash|dash|ash)$/u
const SCRIPT = /^[\w./-]+\.(?:py|sh|bash|js|mjs|cjs|R|r|rb|pl|jl|m|php|lua|jar)$/u

/** Command that a shell (`sh -c "python main.py"`) or a program such as `env` starts; undefined when it is not a plain one. */
export function innerCommand({
  command,
  others,
}: CommandWords): (CommandWords & { readonly isInShell: boolean }) | undefined {
  const name = posix.basename(command)
  if (SHELLS.has(name)) {
    const option = others.findIndex((word) => /^-[a-z]*c$/u.test(word))
    const isFirst = others.slice(0, option).every((word) => word.startsWith('-'))
    const words = option < 0 || !isFirst ? [] : plainWords(others[option + 1] ?? '')
    const [first = '', ...rest] = words[0] === 'exec' ? words.slice(1) : words
    return isPlain(first) && !OF_SHELLS.has(first)
      ? { command: first, others: rest, isInShell: true }
      : undefined
  }
  if (!STARTERS.has(name)) return undefined
  const [first = '', ...rest] = others[0] === '--' ? others.slice(1) : others
  return isPlain(first) ? { command: first, others: rest, isInShell: false } : undefined
}

function isPlain(word: string): boolean {
  return /^[\w./+-]+$/u.test(word) && !word.startsWith('-')
}

/** Words of the first command of a line; empty if a word has quotes, variables or patterns before the command ends. */
function plainWords(line: string): readonly string[] {
  const [first = ''] = line.trim().split(/[;&|<>\n]/u)
  return /["'$`()*?\\]/u.test(first) ? [] : first.trim().split(/\s+/u)
}

/** An argument such as `/app/run.py` is most often a file that the command reads, and `run.py` that of an interpreter. */
export function checkArgument(image: ReadImage, command: string, word: string): Finding[] {
  const isScript = INTERPRETER.test(posix.basename(command)) && SCRIPT.test(word)
  if (!isScript && !/^\/[\w./-]+\.\w+$/u.test(word)) return []
  const path = posix.resolve(workingDirectory(image.config), word)
  if (image.mountPoints.some((folder) => isWithin(path, folder))) return []
  if (image.tree.find(path) !== undefined) return []
  const where = path === word ? 'no such file' : `no ${path}`
  return [
    warning(
      'image',
      `the command ${quoted(command)} has the argument ${quoted(word)}, but the image has ${where}; check ${path === word ? '' : 'WORKDIR, and '}what COPY puts there`,
    ),
  ]
}

/** A script that a shell reads needs neither a first line nor permission to execute, but Unix line ends. */
export async function checkScriptOfShell(
  image: ReadImage,
  { command, others }: CommandWords,
): Promise<Finding[]> {
  const word = others.find((one) => !one.startsWith('-'))
  if (!SHELLS.has(posix.basename(command)) || word === undefined) return []
  const path = posix.resolve(workingDirectory(image.config), word)
  const entry = image.tree.find(path)
  const file = entry?.kind === 'file' ? await image.programOf(entry) : undefined
  const isWindows = file !== undefined && 'hasCarriageReturn' in file && file.hasCarriageReturn
  if (!isWindows) return []
  const words = `the command ${quoted(command)} reads ${path}, a script with Windows line ends, which shells do not understand; save it with Unix line ends (dos2unix, or "* text eol=lf" in .gitattributes)`
  return [warning('image', words)]
}
