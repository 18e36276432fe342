import { SFNServiceException } from '@aws-sdk/client-sfn'

const refusal = (name: string, $fault: 'client' | 'server', message: string) => () =>
  Promise.reject(new SFNServiceException({ name, $fault, message, $metadata: {} }))

/** Errors of a service that does not stop a workflow or job, by reason. */
export const REFUSALS: readonly (readonly [string, () => Promise<never>])[] = [
  ['it has ended', refusal('ValidationException', 'client', 'Execution is not running')],
  ['it does not exist', refusal('ExecutionDoesNotExist', 'client', 'not found')],
  ['too many requests', refusal('ThrottlingException', 'client', 'Rate exceeded')],
  ['the service fails', refusal('InternalServerError', 'server', 'internal')],
  ['access is denied', refusal('AccessDeniedException', 'client', 'not authorized')],
  ['there is no response', () => Promise.reject(new Error('socket hang up'))],
  ['something that is not an error', () => Promise.reject('unknown')],
  [
    'the call itself throws',
    () => {
      throw new TypeError('no client')
    },
  ],
]
