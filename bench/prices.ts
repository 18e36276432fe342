/*
 * On-demand prices of us-east-1 in US dollars; docs/cost.md names the source of each.
 */

/** Hours of a month. */
export const HOURS = 730

export const PER_MONTH = {
  interfaceEndpointPerZone: 0.01 * HOURS,
  alarmMetric: 0.1,
  customMetric: 0.3,
  dashboard: 3,
  key: 1,
  registryGb: 0.1,
  bucketGb: 0.023,
  tableGb: 0.25,
  /** Point-in-time backups, which are kept for 35 days. */
  tableBackupGb: 0.2,
} as const

export const EACH = {
  apiRequest: 3.5e-6,
  lambdaRequest: 0.2e-6,
  /** On ARM. */
  lambdaGbSecond: 0.0000133334,
  transition: 0.025e-3,
  tableWrite: 0.625e-6,
  tableRead: 0.125e-6,
  busEvent: 1e-6,
  fifoRequest: 0.5e-6,
  bucketPut: 5e-6,
  bucketGet: 0.4e-6,
  logGb: 0.5,
} as const

/** One line of a table of costs. */
export interface Line {
  readonly what: string
  readonly usd: number
}

/** Price of one call of a function on ARM. */
export function lambda(memoryMib: number, seconds: number): number {
  return EACH.lambdaRequest + (memoryMib / 1024) * seconds * EACH.lambdaGbSecond
}
