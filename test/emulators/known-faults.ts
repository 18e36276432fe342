import type { EmulatorName } from './emulators.ts'

/** A test that an emulator fails, and should not. */
export interface KnownFault {
  /** File below `test/integration/adapters/`. */
  readonly suite: string
  /** Its groups and itself, with ` > ` between. */
  readonly test: string
  readonly reason: string
  /** Where AWS says what is right, or the emulator's own issue. */
  readonly link: string
}

const STOP = {
  suite: 'sfn-run-workflow',
  reason: 'StopExecution leaves an execution that waits for a token RUNNING',
  link: 'https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html',
}

/** Each is expected to fail. One that passes fails the run: take it out here then. */
export const KNOWN_FAULTS: Readonly<Partial<Record<EmulatorName, readonly KnownFault[]>>> = {
  localstack: [
    { ...STOP, test: 'run workflow (Step Functions) > stops the execution of a run' },
    { ...STOP, test: 'run workflow (Step Functions) > tells how the execution of a run stands' },
    { ...STOP, test: 'run workflow (Step Functions) > lists the runs whose executions go on' },
  ],
}
