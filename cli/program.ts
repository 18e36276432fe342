import { Command, CommanderError } from 'commander'
import { UserError } from '../local/user-error.ts'
import { TarFormatError } from '../src/archive/tar/tar-format-error.ts'
import { ZipFormatError } from '../src/archive/zip/zip-format-error.ts'
import { DomainError } from '../src/contract/errors.ts'
import { OciFormatError } from '../src/import/image/oci-format-error.ts'
import { AuthError } from './api-auth.ts'
import { addBuild } from './commands/build.ts'
import { addCancel } from './commands/cancel.ts'
import { addDelete } from './commands/delete.ts'
import { addInit } from './commands/init.ts'
import { addLogs } from './commands/logs.ts'
import { addOutputs } from './commands/outputs.ts'
import type { Perform } from './commands/perform.ts'
import { addRun } from './commands/run.ts'
import { addRunSet } from './commands/run-set.ts'
import { addRuns } from './commands/runs.ts'
import { addSchema } from './commands/schema.ts'
import { addTasks } from './commands/tasks.ts'
import { addUpload } from './commands/upload.ts'
import { addValidate } from './commands/validate.ts'
import { ServiceError } from './example-client.ts'
import { CommandError, usageError } from './terminal/command-error.ts'
import { EXIT, EXIT_CODES_HELP } from './terminal/exit-codes.ts'
import { shownText } from './terminal/shown-text.ts'
import { createTerminal, type Surroundings } from './terminal/terminal.ts'
import { wordsOf } from './terminal/words-of.ts'
import { UploadBrokenError, UploadRefusedError } from './upload-client.ts'
import { VERSION } from './version.ts'

const ADDERS = [
  ...[addInit, addValidate, addBuild, addRun, addUpload],
  ...[addTasks, addRuns, addLogs, addOutputs, addCancel, addDelete, addRunSet, addSchema],
]

/** Commands without a result in JSON. */
const TEXT_COMMANDS: ReadonlySet<string> = new Set(['logs'])

/**
 * Runs cytomine-task with the words of its command line.
 * @returns the exit code
 */
export async function runProgram(words: readonly string[], surroundings: Surroundings): Promise<number> {
  let exitCode: number = EXIT.success
  const program = new Command('cytomine-task')
  const perform: Perform = async (work) => {
    exitCode = await work(createTerminal(surroundings, program.opts<{ json?: boolean }>().json === true))
  }
  describeProgram(program, surroundings)
  for (const add of ADDERS) add(program, perform)
  settleAll(program.commands, surroundings)
  try {
    if (words.length === 0) {
      surroundings.stderr.write(program.helpInformation())
      return EXIT.usage
    }
    await program.parseAsync([...words], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.success : EXIT.usage
    surroundings.stderr.write(`${shownText(explain(error))}\n`)
    return error instanceof CommandError ? error.exitCode : EXIT.failed
  }
}

function describeProgram(program: Command, surroundings: Surroundings): void {
  program
    .description('Makes, checks, runs and publishes tasks for the Cytomine App Engine.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print the help of the program or of a command')
    .option('--json', 'print results as JSON, for machines; "logs" has none')
    .addHelpText(
      'after',
      `${EXIT_CODES_HELP}\n\nColours are used on a terminal only, and never when NO_COLOR is set.`,
    )
    .hook('preAction', (_, command) => refuseJson(program, command))
  settle(program, surroundings)
}

/** @throws CommandError for a command whose result is the text of a container */
function refuseJson(program: Command, command: Command): void {
  if (program.opts<{ json?: boolean }>().json !== true || !TEXT_COMMANDS.has(command.name())) return
  throw usageError(`"${command.name()}" prints the log as the container wrote it; leave --json out`)
}

function settleAll(commands: readonly Command[], surroundings: Surroundings): void {
  for (const command of commands) {
    settle(command, surroundings)
    settleAll(command.commands, surroundings)
  }
}

/** Words by which a command is called, the program's name first. */
function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`
}

/** Output and errors of one command. */
function settle(command: Command, { stdout, stderr }: Surroundings): void {
  command
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: (text, write) => {
        const words = text
          .replace(/^error: /u, '')
          .trim()
          .replaceAll(/\n\(?/gu, '; ')
          .replace(/\.?\)?$/u, '')
        write(`${words}; "${fullName(command)} --help" shows what can be given\n`)
      },
    })
}

/** Errors that are explained to people; of others the stack helps those who mend the program. */
function explain(error: unknown): string {
  if (error instanceof UploadBrokenError) {
    return `The upload broke off: ${error.message}\nWhat has arrived is kept for a day: call again to go on.`
  }
  const isExplained = [
    CommandError,
    UploadRefusedError,
    AuthError,
    ServiceError,
    DomainError,
    UserError,
    ...[OciFormatError, TarFormatError, ZipFormatError],
  ].some((kind) => error instanceof kind)
  const isOfFile = error instanceof Error && /^E[A-Z]+$/u.test(String((error as NodeJS.ErrnoException).code))
  if (isExplained || isOfFile) return wordsOf(error)
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
