import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { lastLines } from './container-engine.ts'
import { runProgram } from './run-program.ts'
import { UserError } from './user-error.ts'

const OLDEST_PYTHON = '3.10'

interface PythonChoice {
  readonly programs?: readonly string[]
  /** Minimum version, such as `3.10`. */
  readonly oldest?: string
  readonly signal?: AbortSignal | undefined
}

/**
 * Finds a Python that can create virtual environments.
 * @param needer subject of the message when none is found; `otherwise` is its end
 * @param choice programs to try, in order, and their minimum version
 * @throws UserError when there is none; the reason of an aborted signal
 */
export async function findPython(
  needer: string,
  otherwise?: string,
  { programs = ['python3', 'python'], oldest = OLDEST_PYTHON, signal }: PythonChoice = {},
): Promise<string> {
  const [major, minor] = oldest.split('.')
  // Debian ships venv without ensurepip, which installs pip.
  const check = `import sys, venv, ensurepip; sys.exit(sys.version_info < (${major}, ${minor}))`
  for (const program of programs) {
    const works = await runProgram([program, '-c', check], { signal }).then(
      () => true,
      () => false,
    )
    signal?.throwIfAborted()
    if (works) return program
  }
  const orElse = otherwise === undefined ? '' : `, or ${otherwise}`
  throw new UserError(
    `${needer} needs Python ${oldest} or newer with venv (on Debian and Ubuntu: apt install python3-venv)${orElse}.`,
  )
}

/** Content of an environment. */
export type PackageSource =
  | {
      /** Pinned versions. */
      readonly packages: readonly string[]
      /** File with the versions of all dependencies. */
      readonly constraints?: string
    }
  /** File with every package and its hashes; pip installs nothing else. */
  | { readonly requirements: string }

interface EnvironmentPlace {
  readonly python: string
  /** Folder of all environments. */
  readonly directory: string
  /** Name of this environment's folder; contains the versions. */
  readonly name: string
  /** Subject of the message when the installation fails. */
  readonly title: string
  /** Aborts the installation, which leaves no files. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Installs packages into a virtual environment, once.
 * @returns the Python of that environment. Its other programs do not work, because the folder was moved.
 * @throws UserError when the installation fails
 */
export async function installPackages(options: PackageSource & EnvironmentPlace): Promise<string> {
  const { python, directory, name, title, signal } = options
  const environment = join(directory, name)
  const installed = join(environment, 'bin', 'python')
  if (existsSync(installed)) return installed
  await mkdir(directory, { recursive: true })
  // An environment is complete or absent, even after concurrent or interrupted starts.
  const unfinished = await mkdtemp(join(directory, 'unfinished-'))
  try {
    await runProgram([python, '-m', 'venv', unfinished], { signal })
    const pip = [join(unfinished, 'bin', 'python'), '-m', 'pip', 'install', '--quiet']
    await runProgram([...pip, '--disable-pip-version-check', ...wordsOf(options)], { signal })
    await rename(unfinished, environment).catch((error: unknown) => {
      if (!existsSync(installed)) throw error
    })
  } catch (error) {
    signal?.throwIfAborted()
    const { stderr = '' } = error as { readonly stderr?: string }
    throw new UserError(`${title} could not be installed: ${explain(stderr, options) || String(error)}`)
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  return installed
}

function wordsOf(content: PackageSource): readonly string[] {
  if ('requirements' in content) return ['--require-hashes', '--requirement', content.requirements]
  const { packages, constraints } = content
  return [...(constraints === undefined ? [] : ['--constraint', constraints]), ...packages]
}

/** Summarizes the error output of pip. */
function explain(output: string, content: PackageSource): string {
  if (!('requirements' in content) || !output.includes('DO NOT MATCH THE HASHES')) return lastLines(output)
  const [, wrong = 'a package'] = /^\s+(\S+) from /mu.exec(output) ?? []
  const file = basename(content.requirements)
  return `${wrong} was not installed: the package index sent it with another hash than ${file} requires.`
}
