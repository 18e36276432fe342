import type { EmulatorName } from './emulators.ts'

/** A test that is known to fail on an emulator. */
export interface KnownFault {
  /** File below `test/integration/` or its folder `adapters/`. */
  readonly suite: string
  /** Names of its groups and its own name, separated by ` > `. */
  readonly test: string
  readonly reason: string
  /** Documentation of the correct behaviour, or an issue of the emulator. */
  readonly link: string
}

const STOP = {
  suite: 'sfn-run-workflow',
  reason: 'StopExecution leaves an execution that waits for a token RUNNING',
  link: 'https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html',
}

/** The two groups that send the same requests, one through the edge and one without it. */
const WIRE = ['core, through the edge', 'core, through the API alone']

/** Tests that are expected to fail. A listed test that passes fails the run: remove its entry. */
export const KNOWN_FAULTS: Readonly<Partial<Record<EmulatorName, readonly KnownFault[]>>> = {
  localstack: [
    { ...STOP, test: 'run workflow (Step Functions) > stops the execution of a run' },
    { ...STOP, test: 'run workflow (Step Functions) > returns the status of the execution of a run' },
    { ...STOP, test: 'run workflow (Step Functions) > lists the runs whose executions are in progress' },
    ...['application/octet-stream', 'image/png, */*'].map((accept) => ({
      suite: 'rest-api',
      test: `a REST API with the binary media type */* > decodes the base64 of its function for a client that accepts ${accept}`,
      reason: 'the binary media type */* matches no content type',
      link: 'https://github.com/localstack/localstack/issues/12115',
    })),
    ...WIRE.flatMap((entrance) => [
      {
        suite: 'core-wire',
        test: `${entrance} > replaces an image with chunked multipart`,
        reason: 'the function gets the multipart body of a POST, but not of a PUT (restore_payload)',
        link: 'https://github.com/localstack/rolo/blob/main/rolo/request.py',
      },
      {
        suite: 'core-wire',
        test: `${entrance} > gets size and type of files by HEAD`,
        reason: 'the response to HEAD has the length 0, whatever length the function returned',
        link: 'https://www.rfc-editor.org/rfc/rfc9110#section-8.6',
      },
    ]),
    {
      suite: 'core-wire',
      test: 'core, through the API alone > gets no allowed method for TRACE',
      reason: 'ANY does not include TRACE, so no function is called; the edge sends OPTIONS instead',
      link: 'https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-settings-method-request.html',
    },
  ],
}
