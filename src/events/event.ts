import * as z from 'zod'
import { RUN_FAILURE_KINDS } from '../contract/run-failure-kinds.ts'
import { SET_STATES } from '../run/set/run-set.ts'
import { RUN_STATES } from '../run/transitions.ts'
import { UPLOAD_STATES } from '../upload/upload.ts'

/** Version of the documents. New types and new optional properties do not change it; receivers ignore unknown ones. */
export const EVENT_VERSION = '1'

/** Maximum length of a failure message in an event, in UTF-16 units: EventBridge accepts 256 KiB for ten events. */
const MAX_TEXT_LENGTH = 2000

/** Cuts a text to the length that fits into an event. */
export function shortened(text: string): string {
  return text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH - 1)}…` : text
}

/** Types of one kind of subject: one for each state, and one for the removal. */
function typesOf<Kind extends string, State extends string>(kind: Kind, states: readonly State[]) {
  const ofStates = states.map((state) => `${kind}.${state.toLowerCase() as Lowercase<State>}` as const)
  return [...ofStates, `${kind}.deleted` as const]
}

const RUN_TYPES = typesOf('run', RUN_STATES)
const SET_TYPES = typesOf('run-set', SET_STATES)
const IMPORT_TYPES = typesOf('import', UPLOAD_STATES)

export const EVENT_TYPES = [...RUN_TYPES, ...SET_TYPES, ...IMPORT_TYPES] as const

const instant = z.string().describe('Time, ISO 8601 in UTC.')

const runDataSchema = z
  .object({
    id: z.string().describe('Id of the run.'),
    taskId: z.string().describe('Id of its task.'),
    state: z.enum(RUN_STATES).describe('State that the run entered, or its last one if it was deleted.'),
    previousState: z.enum(RUN_STATES).nullable().describe('State before; null for a new run.'),
    createdAt: instant.describe('Time of its creation.'),
    attempt: z.number().exactOptional().describe('Number of its submission to Batch, from 1.'),
    reusedFrom: z
      .string()
      .exactOptional()
      .describe('Id of the run whose outputs this run took instead of being executed.'),
    set: z
      .object({
        id: z.string().describe('Id of the run set.'),
        row: z.number().describe('Row of the table, from 1.'),
        round: z.number().describe('Round of the set: 1, plus 1 for each retry.'),
      })
      .exactOptional()
      .describe('Place of a run in its run set.'),
    error: z
      .object({
        kind: z.enum(RUN_FAILURE_KINDS).describe('Kind of the failure.'),
        message: z.string().describe('Sentence for the author of the task, at most 2000 characters.'),
        exitCode: z.number().exactOptional().describe('Exit code of the container.'),
      })
      .exactOptional()
      .describe('Why the run is FAILED.'),
  })
  .describe('A run.')

const setDataSchema = z
  .object({
    id: z.string().describe('Id of the run set.'),
    taskId: z.string().describe('Id of its task.'),
    name: z.string().exactOptional().describe('Name that its client chose.'),
    state: z.enum(SET_STATES).describe('State that the set entered, or its last one if it was deleted.'),
    previousState: z.enum(SET_STATES).nullable().describe('State before; null for a new set.'),
    createdAt: instant.describe('Time of its creation.'),
    round: z.number().describe('Current round: 1, plus 1 for each retry.'),
    rows: z.number().describe('Number of rows of the current round; 0 until the table has been read.'),
    problems: z.number().describe('Number of invalid values in its table.'),
    error: z
      .string()
      .exactOptional()
      .describe('Why the engine could not run the set, at most 2000 characters.'),
  })
  .describe('A run set.')

const importDataSchema = z
  .object({
    id: z.string().describe('Id of the upload.'),
    taskId: z.string().describe('Id of the task that a successful import creates.'),
    state: z
      .enum(UPLOAD_STATES)
      .describe('State that the import entered, or its last one if it was deleted.'),
    previousState: z.enum(UPLOAD_STATES).nullable().describe('State before; null for a new upload.'),
    createdAt: instant.describe('Time of its creation.'),
    fileName: z.string().exactOptional().describe('File name that the client sent.'),
    task: z
      .object({ namespace: z.string(), version: z.string() })
      .exactOptional()
      .describe('Name of the task, once the descriptor has been read.'),
    error: z
      .object({
        errorCode: z.string().describe('Error code of the API.'),
        message: z.string().describe('What is wrong, at most 2000 characters.'),
      })
      .exactOptional()
      .describe('Why the import is FAILED.'),
  })
  .describe('The import of a bundle.')

/** Properties of every event. */
const envelope = {
  version: z.literal(EVENT_VERSION).describe('Version of this schema.'),
  id: z.string().describe('Id of the event; the same when the event is sent again.'),
  timestamp: instant.describe('Time of the change, ISO 8601 in UTC.'),
  sequence: z
    .string()
    .describe(
      'Orders the events of one subject. Digits of a fixed length, so that they can be compared as text.',
    ),
  installation: z.string().describe('Prefix of the stage that sent the event.'),
}

/** Document of one event: the `detail` of EventBridge and the body of a webhook. */
export const eventSchema = z.union([
  z.object({
    ...envelope,
    type: z.enum(RUN_TYPES).describe('The run entered this state, or was deleted.'),
    data: runDataSchema,
  }),
  z.object({
    ...envelope,
    type: z.enum(SET_TYPES).describe('The run set entered this state, or was deleted.'),
    data: setDataSchema,
  }),
  z.object({
    ...envelope,
    type: z.enum(IMPORT_TYPES).describe('The import entered this state, or was deleted.'),
    data: importDataSchema,
  }),
])
/** State change of a run, a run set or an import. */
export type EngineEvent = z.infer<typeof eventSchema>
export type EventType = EngineEvent['type']
