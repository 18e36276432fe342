/** A file of a new task. */
export interface TemplateFile {
  readonly path: string
  readonly content: string | Uint8Array
  /** Whether the file is executable. */
  readonly isExecutable?: boolean
}

/** Names of a new task. */
export interface TemplateNames {
  /** Name in the descriptor. */
  readonly name: string
  readonly namespace: string
}

/** Creates the program of a task in one language, with its Dockerfile. */
export type ProgramTemplate = (names: TemplateNames) => readonly TemplateFile[]
