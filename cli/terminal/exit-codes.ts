/** Exit codes of cytomine-task. */
export const EXIT = {
  success: 0,
  failed: 1,
  usage: 2,
  unavailable: 3,
  /** As shells report a program that Ctrl-C ended: 128 + SIGINT. */
  interrupted: 130,
} as const

/** Meanings of the exit codes, as help and documentation state them. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  success: 'done',
  failed: 'failed: a task or a table with problems, a failed run, a refusal by the service',
  usage: 'invalid arguments, a missing or invalid input, or a URL at which another program answers',
  unavailable: 'the service does not answer, the connection was lost, or no container engine works',
  interrupted: 'interrupted',
}

/** Names of the exit codes, in ascending order of the codes. */
export const EXIT_NAMES = Object.keys(EXIT) as readonly (keyof typeof EXIT)[]

export const EXIT_CODES_HELP = [
  '\nExit codes:',
  ...EXIT_NAMES.map((name) => `  ${String(EXIT[name]).padEnd(3)}  ${EXIT_MEANINGS[name]}`),
].join('\n')
