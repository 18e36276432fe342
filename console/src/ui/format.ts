import { placeInSet } from '../api/set-run-ids.ts'

/** Numbers and times as people read them. */

const BYTES = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** @example formatBytes(2_200_000_000) // 2.2 GB */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < BYTES.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${BYTES[unit]}`
}

export function formatMemory(mebibytes: number): string {
  return mebibytes < 1024 ? `${mebibytes} MiB` : `${trim(mebibytes / 1024, 1)} GiB`
}

/** @example formatDuration(3_725) // 1 h 2 min */
export function formatDuration(seconds: number): string {
  if (seconds < 9.95) return `${trim(Math.max(0, seconds), 1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min${whole % 60 === 0 ? '' : ` ${whole % 60} s`}`
  const minutes = Math.round(whole / 60)
  if (minutes < 1440)
    return `${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`
  const hours = Math.round(minutes / 60)
  return `${Math.floor(hours / 24)} d${hours % 24 === 0 ? '' : ` ${hours % 24} h`}`
}

/** Run costs are often fractions of a cent. */
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

/** In the local zone and in UTC. */
export function formatExactTime(at: Date): string {
  return `${EXACT.format(at)} (${at.toISOString()})`
}

/** Seconds between two times; until now without the second. */
export function secondsBetween(from: string, to: string | undefined, now = Date.now()): number {
  return Math.max(0, ((to === undefined ? now : Date.parse(to)) - Date.parse(from)) / 1000)
}

/** The beginning of an id; that of a run of a set has its row as well, since all of its runs begin alike. */
export function shortId(id: string): string {
  const row = placeInSet(id)?.row ?? 0
  return `${id.slice(0, 8)}${row === 0 ? '' : ` row ${row}`}`
}

function trim(value: number, digits: number): string {
  return value.toFixed(digits).replace(/\.0+$/u, '')
}
