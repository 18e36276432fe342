import { printable, quoted } from '../../contract/quoted.ts'

/*
 * Explains to the task's author why a container could not start, when the image is at fault. ECS reports messages of runc, docker and
 * containerd; local mode also those of crun and podman.
 */

interface StartFault {
  readonly pattern: RegExp
  /** The wrong value of the image, and the remedy. */
  readonly words: (value: string) => string
}

const NOT_FOUND = (command: string): string =>
  `its command${command} is not in the image; check ENTRYPOINT and CMD of its Dockerfile, and whether the program, or the shell, is installed there`
const NOT_EXECUTED = (command: string): string =>
  `its command${command} could not be executed; check that it is in the image, with execute permission and for linux/amd64`
const NOT_EXECUTABLE = (command: string): string =>
  `its command${command} cannot be executed by the image's user; it must be a file with execute permission (chmod +x, or COPY --chmod=755)`
const NO_COMMAND = (): string => 'its image has no command; set ENTRYPOINT or CMD in the Dockerfile'
const UNKNOWN_USER = (user: string): string =>
  `its user${user} does not exist in the image; check USER in its Dockerfile, or create the user there`
const NO_FOLDER = (folder: string): string =>
  `its working directory${folder} is missing, is not a folder, or is not accessible to its user; check WORKDIR in its Dockerfile`
const NO_PROGRAM = (command: string): string =>
  `its command${command} is neither a program for linux/amd64 nor a script with a first line such as #!/bin/sh; build the image with --platform linux/amd64, or add the line`
const NO_INTERPRETER = (command: string): string =>
  `its command${command}, or the interpreter in the first line of the script, is not in the image; install it, and save the script with Unix line ends (with Windows ones, the interpreter's name ends in a carriage return)`
const NO_MOUNT_POINT = (folder: string): string =>
  `the image has an entry at${folder} that is not a folder; remove it there, since files of the run are mounted in its place`

/** Reasons of container engines; the first group is the value at fault, where the engine names it. */
const REASONS: readonly StartFault[] = [
  {
    pattern: /exec: "([^"]*)": (?:stat .*: )?(?:no such file|not a directory|executable file not found)/u,
    words: NOT_FOUND,
  },
  { pattern: /executable file [`'"]([^`'"]*)[`'"] not found/u, words: NOT_FOUND },
  { pattern: /invoke a command that was not found/u, words: NOT_FOUND },
  {
    pattern: /exec: "([^"]*)": (?:permission denied|is a directory|not a directory)/u,
    words: NOT_EXECUTABLE,
  },
  { pattern: /open executable: (?:Permission denied|Is a directory)/iu, words: NOT_EXECUTABLE },
  { pattern: /exec: "([^"]*)": exec format error/u, words: NO_PROGRAM },
  { pattern: /exec format error/iu, words: NO_PROGRAM },
  { pattern: /no command(?: or entrypoint)? (?:specified|provided)/iu, words: NO_COMMAND },
  { pattern: /unable to find (?:user|group) ([^:\s]+)/u, words: UNKNOWN_USER },
  { pattern: /no users found/u, words: UNKNOWN_USER },
  { pattern: /(?:workdir|working directory) "([^"]*)"/u, words: NO_FOLDER },
  { pattern: /chdir to (?:cwd )?\(?[`'"]([^`'"]*)[`'"]/u, words: NO_FOLDER },
  { pattern: /(?:mkdir|Cannot mkdir:) ([^:\s]+)(?:: | is )not a directory/u, words: NO_FOLDER },
  { pattern: /to rootfs at "([^"]*)".*not a directory/u, words: NO_MOUNT_POINT },
  // Fallback: Batch cuts reasons at 255 characters, and runtimes change their messages.
  { pattern: /exec: "([^"]*)/u, words: NOT_EXECUTED },
]

/** Last line of a container's log when the kernel refused to execute the program: the runtime writes it. */
const LAST_LINES: readonly RegExp[] = [
  /^exec (\/?[^\s:]+): (no such file or directory|exec format error|permission denied)$/iu,
  /exec container process [`'"]?([^`'"]+?)[`'"]?: (no such file or directory|exec format error|permission denied)/iu,
  /^(?:standard_init_linux\.go:\d+: )?exec user process caused:? "?()(no such file or directory|exec format error|permission denied)/iu,
]

/** Explains a reason such as `CannotStartContainerError: …`; undefined when the image is not at fault. */
export function explainStartFailure(reason: string): string | undefined {
  if (!/^Cannot(?:Start|Create)Container/u.test(reason)) return undefined
  for (const { pattern, words } of REASONS) {
    const found = pattern.exec(reason)
    if (found !== null) return words(named(found[1]))
  }
  return undefined
}

/** Explains the only line of a container's log; undefined for a line of the program itself. */
export function explainExecLine(line: string): string | undefined {
  for (const pattern of LAST_LINES) {
    const [, name = '', cause = ''] = pattern.exec(line.trim()) ?? []
    const command = named(name)
    if (/format/iu.test(cause)) return NO_PROGRAM(command)
    if (/denied/iu.test(cause)) return NOT_EXECUTABLE(command)
    if (cause !== '') return NO_INTERPRETER(command)
  }
  return undefined
}

/** The quoted value after a space; empty when the engine does not name it. */
function named(value: string | undefined): string {
  return value === undefined || value === '' ? '' : ` ${quoted(value)}`
}

/** A container engine's message as one printable line of at most 500 characters. */
export function engineWords(reason: string): string {
  return printable(reason.replaceAll(/\s+/gu, ' ').trim(), 500)
}
