import { recordCalls } from '../../local/recording/recorder.ts'
import { RECORD_CALLS } from '../../local/recording/recording.ts'

/* Tests are clients: what they fetch by presigned URLs counts for the function that signed them. */
const directory = process.env[RECORD_CALLS]
if (directory) recordCalls(directory)
