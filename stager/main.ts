import { runStager } from './run.ts'

// PID 1 ignores SIGTERM by default, which Batch sends when it terminates the job.
process.once('SIGTERM', () => process.exit(143))

const context = { environment: process.env, console }
// Abandoned transfers are not awaited.
process.exit(await runStager(process.argv.slice(2), context))
