import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/**
 * @returns what the program wrote to stdout and stderr
 * @throws Error with all of it when the program fails
 */
export async function runProgram(program: string, words: readonly string[], cwd?: string): Promise<string> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, words, {
      maxBuffer: 64 * 1024 * 1024,
      ...(cwd !== undefined && { cwd }),
    })
    return `${stdout}${stderr}`.trim()
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string }
    throw new Error(`${program} ${words.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}
