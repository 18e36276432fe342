import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PROJECT } from '../../local/aws-environment.ts'
import { lastLines } from '../../local/container-engine.ts'
import { UserError } from '../../local/user-error.ts'

/**
 * @returns Go
 * @throws UserError when this machine has none
 */
export async function findGo(): Promise<string> {
  try {
    await promisify(execFile)('go', ['version'])
    return 'go'
  } catch (error) {
    throw new UserError(`Building versitygw needs Go, which is not installed: ${String(error)}`)
  }
}

/**
 * Builds a program from its Go module, unless it has been built before.
 * @returns the program's path
 * @throws UserError when it cannot be built
 */
export async function installGoProgram(go: string, module: string, version: string): Promise<string> {
  const name = module.split('/').at(-1) ?? module
  const directory = join(PROJECT, '.local', 'go', `${name}-${version}`)
  const program = join(directory, name)
  if (existsSync(program)) return program
  try {
    await promisify(execFile)(go, ['install', `${module}@${version}`], {
      env: { ...process.env, GOBIN: directory },
    })
    return program
  } catch (error) {
    const { stderr = '' } = error as { readonly stderr?: string }
    throw new UserError(
      `${name} ${version} could not be built with Go: ${lastLines(stderr) || String(error)}`,
    )
  }
}
