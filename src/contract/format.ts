/* Sizes and durations for display, in the console and on the command line. */

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
  return mebibytes < 1024 ? `${mebibytes} MiB` : `${trim(mebibytes / 1024)} GiB`
}

/** @example formatDuration(3_725) // 1 h 2 min */
export function formatDuration(seconds: number): string {
  if (seconds < 9.95) return `${trim(Math.max(0, seconds))} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min${whole % 60 === 0 ? '' : ` ${whole % 60} s`}`
  const minutes = Math.round(whole / 60)
  if (minutes < 1440)
    return `${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`
  const hours = Math.round(minutes / 60)
  return `${Math.floor(hours / 24)} d${hours % 24 === 0 ? '' : ` ${hours % 24} h`}`
}

/** One decimal, which is omitted if it is 0. */
function trim(value: number): string {
  return value.toFixed(1).replace(/\.0$/u, '')
}
