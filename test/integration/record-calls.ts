import { recordCalls } from '../../local/recording/recorder.ts'
import { RECORD_CALLS } from '../../local/recording/recording.ts'

/* Tests are clients: their requests to presigned URLs are attributed to the function that signed them. */
const directory = process.env[RECORD_CALLS]
if (directory) recordCalls(directory)
