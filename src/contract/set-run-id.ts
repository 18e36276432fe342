/*
 * Ids of run sets and of their runs. A run's id contains its set, row and round, so a step that knows only the run finds the
 * counts of its set without a read, and creating a run twice is one conditional write. They are UUIDs of version 8 (RFC 9562, 5.8);
 * runs outside of sets have version 4.
 */

/** Maximum number of rounds of a set: the first, and one for each retry. */
export const MAX_ROUNDS = 100

/** Position of a run in a set. */
export interface SetRunPlace {
  readonly setId: string
  /** From 0. */
  readonly row: number
  /** From 1; each retry increments it. */
  readonly round: number
}

const SET_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{6}000000$/u
const SET_RUN_ID = /^([0-9a-f]{8}-[0-9a-f]{4}-8.{15})([0-9a-f]{2})([0-9a-f]{4})$/u
/** Digits of the round in the id of a set. */
const SET_ROUND = '00'
/** Hexadecimal digits at the end of an id: two for the round, four for the row. */
const PLACE_DIGITS = 6

/**
 * Id of a new set.
 * @param uuid a random UUID, of which 96 bits are kept
 */
export function setIdOf(uuid: string): string {
  return `${uuid.slice(0, 14)}8${uuid.slice(15, -PLACE_DIGITS)}${'0'.repeat(PLACE_DIGITS)}`
}

/** Whether a text has the form of a set's id. */
export function isSetId(text: string): boolean {
  return SET_ID.test(text)
}

/** Id of the run of a row in a round. */
export function setRunId({ setId, row, round }: SetRunPlace): string {
  const digits = round.toString(16).padStart(2, '0') + row.toString(16).padStart(4, '0')
  return setId.slice(0, -PLACE_DIGITS) + digits
}

/** Inverse of {@link setRunId}; undefined for a run outside of sets, and for a set. */
export function placeInSet(runId: string): SetRunPlace | undefined {
  const [, beginning, round = '', row = ''] = SET_RUN_ID.exec(runId) ?? []
  if (beginning === undefined || round === SET_ROUND) return undefined
  return {
    setId: beginning + '0'.repeat(PLACE_DIGITS),
    round: Number.parseInt(round, 16),
    row: Number.parseInt(row, 16),
  }
}
