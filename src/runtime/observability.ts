import { Logger } from '@aws-lambda-powertools/logger'

/** Structured log of a function; entries carry run, task and request id where they are known. */
export const logger = new Logger({ serviceName: process.env.AWS_LAMBDA_FUNCTION_NAME ?? 'app-engine' })
