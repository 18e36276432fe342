/** Values of a stage's setting `console`: no page, a page that changes nothing, a page with everything. */
export const CONSOLE_MODES = ['off', 'read-only', 'full'] as const

export type ConsoleMode = (typeof CONSOLE_MODES)[number]

/**
 * Header that marks a request as sent by a page of the service itself. The console's page sends it with every change, and the edge
 * adds it, because the edge keeps the browser's own headers to itself.
 */
export const CONSOLE_HEADER = 'x-app-engine-console'

/** Folder beside the code of the `api` function that has the console's files. */
export const CONSOLE_FOLDER = 'console'
