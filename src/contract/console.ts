/** Values of a stage's setting `console`: no page, a read-only page, or the complete page. */
export const CONSOLE_MODES = ['off', 'read-only', 'full'] as const

export type ConsoleMode = (typeof CONSOLE_MODES)[number]

/**
 * Header that marks a request as sent by a page of the service itself. The console's page sends it with every change. The edge adds
 * it, because it does not forward the browser's own headers.
 */
export const CONSOLE_HEADER = 'x-app-engine-console'

/** Folder of the console's files, beside the code of the `api` function. */
export const CONSOLE_FOLDER = 'console'
