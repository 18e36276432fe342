/** A point in time with nanoseconds; Date has milliseconds. */
export interface Instant {
  /** Whole seconds since 1970 in UTC. */
  readonly epochSeconds: number
  readonly nanoseconds: number
}

const INSTANT =
  /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?:Z|([-+])([01]\d|2[0-3])(?::?([0-5]\d))?)$/iu
/** Years of four digits. */
const FIRST_SECOND = Date.parse('0000-01-01T00:00:00Z') / 1000
const LAST_SECOND = Date.parse('9999-12-31T23:59:59Z') / 1000

/**
 * Parses an ISO-8601 date-time with zone: `2024-02-23T18:00:00Z`, with offset and up to nine decimals.
 * @returns undefined for another text, or for a day or time that does not exist
 */
export function parseInstant(text: string): Instant | undefined {
  const [matched, date, time, fraction = '', sign, hours = '0', minutes = '0'] = INSTANT.exec(text) ?? []
  if (matched === undefined) return undefined
  const local = new Date(`${date}T${time}Z`)
  // Date converts 31 February to March and 24:00 to the next day; formatting reveals it.
  if (Number.isNaN(local.getTime()) || local.toISOString() !== `${date}T${time}.000Z`) return undefined
  const offsetSeconds = (sign === '-' ? -60 : 60) * (60 * Number(hours) + Number(minutes))
  const epochSeconds = local.getTime() / 1000 - (sign === undefined ? 0 : offsetSeconds)
  if (epochSeconds < FIRST_SECOND || epochSeconds > LAST_SECOND) return undefined
  return { epochSeconds, nanoseconds: Number(fraction.padEnd(9, '0')) }
}

/** Formats in UTC; a fraction only when it is not zero, in groups of three digits as Java does. */
export function formatInstant({ epochSeconds, nanoseconds }: Instant): string {
  const seconds = new Date(epochSeconds * 1000).toISOString().slice(0, -'.000Z'.length)
  if (nanoseconds === 0) return `${seconds}Z`
  const digits = String(nanoseconds).padStart(9, '0')
  return `${seconds}.${digits.replace(/(?:000){1,2}$/u, '')}Z`
}

/** Negative when `a` is earlier than `b`, 0 when both are the same. */
export function compareInstants(a: Instant, b: Instant): number {
  return a.epochSeconds - b.epochSeconds || a.nanoseconds - b.nanoseconds
}
