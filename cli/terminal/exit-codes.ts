/** Exit codes of cytomine-task. */
export const EXIT = {
  success: 0,
  /** The command failed: a task with problems, a failed run, a rejection by the service. */
  failed: 1,
  /** Invalid arguments. */
  usage: 2,
  /** The service does not answer, or no container engine works. */
  unavailable: 3,
  /** Ctrl-C. */
  interrupted: 130,
} as const

export const EXIT_CODES_HELP = `
Exit codes:
  0    done
  1    failed: a task with problems, a run that failed, a refusal of the service
  2    wrong use of the command
  3    nothing answers at the address of the service, or no container engine works
  130  interrupted`
