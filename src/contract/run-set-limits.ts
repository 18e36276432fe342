/* Limits of run sets for service, CLI, console and infrastructure. */

/** Maximum number of rows of a set. The row has four hexadecimal digits in the id of a run (set-run-id.ts). */
export const MAX_ROWS = 10_000

/** Maximum number of column names in all rows of a table: each unknown one is reported. */
export const MAX_COLUMNS = 1000

/** Number of concurrent runs of a set whose creator does not say it. */
export const DEFAULT_CONCURRENCY = 50

/** Maximum number of concurrent runs of a set. */
export const MAX_CONCURRENCY = 1000

/** Maximum size of a table. Limits the worker's memory, which holds the bytes, their text and the rows. */
export const MAX_TABLE_BYTES = 32 * 1024 * 1024

/** Maximum number of runs in one archive, which a call must finish within API Gateway's 29 s. */
export const MAX_ARCHIVE_RUNS = 500
