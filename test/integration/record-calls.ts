import { recordCalls } from '../recording/recorder.ts'
import { RECORD_CALLS } from '../recording/recording.ts'

/* Records the tests' requests to presigned URLs, which are attributed to the function that signed them. */
const directory = process.env[RECORD_CALLS]
if (directory) recordCalls(directory)
