import { Command, CommanderError } from 'commander'
import { UserError } from '../local/user-error.ts'
import { TarFormatError } from '../src/archive/tar/tar-format-error.ts'
import { ZipFormatError } from '../src/archive/zip/zip-format-error.ts'
import { DomainError } from '../src/contract/errors.ts'
import { OciFormatError } from '../src/import/image/oci-format-error.ts'
import { shownText } from '../src/shared/shown-text.ts'
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
import { createTerminal, type Surroundings, type Terminal } from './terminal/terminal.ts'
import { wordsOf } from './terminal/words-of.ts'
import { UploadRefusedError } from './upload-client.ts'
import { VERSION } from './version.ts'

const ADDERS = [
  ...[addInit, addValidate, addBuild, addRun, addUpload],
  ...[addTasks, addRuns, addLogs, addOutputs, addCancel, addDelete, addRunSet, addSchema],
]

/**
 * Runs cytomine-task with the arguments of its command line.
 * @returns the exit code
 */
export async function runProgram(words: readonly string[], surroundings: Surroundings): Promise<number> {
  const isJson = words.includes('--json')
  const terminal = createRecorder(createTerminal(surroundings, isJson))
  const { exitCode, message } = await execute(words, surroundings, terminal)
  if (exitCode !== EXIT.success && !terminal.hasResult()) {
    // One line, since "logs -f" may have printed lines before it.
    terminal.jsonLine({ error: { message: message ?? terminal.lastNote(), exitCode } })
  }
  return exitCode
}

/** Exit code of a command, and why it failed. */
interface CommandEnd {
  readonly exitCode: number
  /** Reason of the failure; undefined if the command has already printed it as a note. */
  readonly message?: string
}

async function execute(
  words: readonly string[],
  surroundings: Surroundings,
  terminal: Terminal,
): Promise<CommandEnd> {
  let exitCode: number = EXIT.success
  const program = new Command('cytomine-task')
  const perform: Perform = async (work) => {
    exitCode = await work(terminal)
  }
  describeProgram(program, surroundings)
  for (const add of ADDERS) add(program, perform)
  settleAll(program.commands, surroundings)
  try {
    if (words.length === 0) {
      surroundings.stderr.write(program.helpInformation())
      return { exitCode: EXIT.usage }
    }
    refuseUnknownHelp(program, words)
    await program.parseAsync([...words], { from: 'user' })
    return exitCode === EXIT.interrupted ? { exitCode, message: 'interrupted' } : { exitCode }
  } catch (error) {
    if (error instanceof CommanderError) {
      const message =
        error.code === 'commander.help' ? noCommand(program, words) : error.message.replace(/^error: /u, '')
      return error.exitCode === 0 ? { exitCode: EXIT.success } : { exitCode: EXIT.usage, message }
    }
    const message = explain(error)
    surroundings.stderr.write(`${shownText(message)}\n`)
    return { exitCode: error instanceof CommandError ? error.exitCode : EXIT.failed, message }
  }
}

/** Message for a program or group without a command, whose help commander prints. */
function noCommand(program: Command, words: readonly string[]): string {
  const group = program.commands.find((one) => one.commands.length > 0 && words.includes(one.name()))
  return `no command was given; "${fullName(group ?? program)} --help" lists the commands`
}

/** A terminal that records whether it has printed a result in JSON, and the last note. */
interface Recorder extends Terminal {
  hasResult(): boolean
  lastNote(): string
}

function createRecorder(terminal: Terminal): Recorder {
  let hasResult = false
  let lastNote = 'the command failed'
  return {
    ...terminal,
    json(value) {
      hasResult = true
      terminal.json(value)
    },
    note(line, style) {
      lastNote = line
      terminal.note(line, style)
    },
    hasResult: () => hasResult,
    lastNote: () => lastNote,
  }
}

function describeProgram(program: Command, surroundings: Surroundings): void {
  program
    .description('Creates, checks, runs and publishes tasks for the Cytomine App Engine.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print the help of the program or of a command')
    .option('--json', 'print results and failures as JSON, for machines; "logs -f" prints JSON lines')
    .addHelpText(
      'afterAll',
      `${EXIT_CODES_HELP}\n\nColours are used on a terminal only, and never when NO_COLOR is set.`,
    )
    .hook('preAction', (_, command) => refuseOptionAsValue(command))
  settle(program, surroundings)
}

/** @throws CommandError when a value was forgotten, so that commander takes the option after it for the value */
function refuseOptionAsValue(command: Command): void {
  const holders = [command, ...ancestorsOf(command)]
  const known = new Set(holders.flatMap(({ options }) => options).flatMap(({ long, short }) => [long, short]))
  for (const word of ['-h', '--help']) known.add(word)
  for (const holder of holders) {
    for (const option of holder.options.filter(({ required }) => required)) {
      const words = [holder.getOptionValue(option.attributeName())].flat()
      const taken = words.find((word) => typeof word === 'string' && known.has(word))
      if (taken === undefined) continue
      throw usageError(`"${option.flags}" has no value: ${taken} after it is another option; add the value`)
    }
  }
}

function ancestorsOf({ parent }: Command): readonly Command[] {
  return parent === null ? [] : [parent, ...ancestorsOf(parent)]
}

/** @throws CommandError for help about an unknown command, which commander answers with the help of the program */
function refuseUnknownHelp(program: Command, words: readonly string[]): void {
  const names = words.filter((word) => !word.startsWith('-'))
  const place = names.indexOf('help')
  const name = names[place + 1]
  const group = place === 0 ? program : program.commands.find((one) => place === 1 && one.name() === names[0])
  if (group === undefined || group.commands.length === 0 || name === undefined) return
  if (name === 'help' || group.commands.some((one) => one.name() === name)) return
  throw usageError(`unknown command '${name}'; "${fullName(group)} --help" lists the commands`)
}

function settleAll(commands: readonly Command[], surroundings: Surroundings): void {
  for (const command of commands) {
    settle(command, surroundings)
    settleAll(command.commands, surroundings)
  }
}

/** Full name of a command: that of the program, then of each subcommand. */
function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`
}

/** Configures help, output and error messages of one command. */
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

/** Message of an error whose cause is the user's; the stack of any other, for the developers. */
function explain(error: unknown): string {
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
