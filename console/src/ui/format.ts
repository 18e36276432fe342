import { placeInSet } from '../../../src/contract/set-run-id.ts'

/** Numbers and times for display. */

export { formatBytes, formatDuration, formatMemory } from '../../../src/contract/format.ts'

/** Two significant digits below 0.1, because costs of runs are often fractions of a cent. */
export function formatMoney(amount: number, currency: string): string {
  const digits = amount !== 0 && amount < 0.1 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 2 }
  return new Intl.NumberFormat(undefined, {
    style: 'currency',
    currency,
    currencyDisplay: 'narrowSymbol',
    ...digits,
  }).format(amount)
}

export function formatCount(count: number): string {
  return new Intl.NumberFormat().format(count)
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

const DAY_TIME = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
})
const YEAR_TIME = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
})
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' })

export function formatTime(at: Date, now = new Date()): string {
  if (at.toDateString() === now.toDateString()) return CLOCK.format(at)
  return (at.getFullYear() === now.getFullYear() ? DAY_TIME : YEAR_TIME).format(at)
}

/** A time in the local zone and in UTC. */
export function formatExactTime(at: Date): string {
  return `${EXACT.format(at)} (${at.toISOString()})`
}

/** Seconds from one time to another, or until now. */
export function secondsBetween(from: string, to: string | undefined, now = Date.now()): number {
  return Math.max(0, ((to === undefined ? now : Date.parse(to)) - Date.parse(from)) / 1000)
}

/** Beginning of an id. A run in a set has its row added, because the ids of a set's runs begin alike. */
export function shortId(id: string): string {
  const place = placeInSet(id)
  return `${id.slice(0, 8)}${place === undefined ? '' : ` row ${place.row + 1}`}`
}
