/** Exit codes of cytomine-task. */
export const EXIT = {
  success: 0,
  /** The command failed: a task with problems, a failed run, a refusal by the service. */
  failed: 1,
  /** Invalid arguments or inputs, or a URL at which another program answers. */
  usage: 2,
  /** The service does not answer, or no container engine works. */
  unavailable: 3,
  /** Ctrl-C. */
  interrupted: 130,
} as const

export const EXIT_CODES_HELP = `
Exit codes:
  0    done
  1    failed: a task with problems, a failed run, a refusal by the service
  2    invalid arguments, an invalid value of an input, or a URL at which another program answers
  3    the service does not answer, or no container engine works
  130  interrupted`
