/*
 * Measures the check of areas that are worst cases for our algorithm. Prints a line for each family of areas: seconds for LARGE positions,
 * their growth when the size doubles (n log n: 2.1, n²: 4), and the ratio of the time of jsts to ours for SMALL positions.
 *
 *   npm run bench:geometry
 */
import { areValidAreas } from '../src/task/parameters/areas.ts'
import { FAMILIES, isValidForJsts, type Polygons } from '../test/fixtures/areas.ts'

const LARGE = 200_000
const SMALL = 500
/** Number of calls. The fastest counts. */
const REPEATS = 2

/** Processor seconds of the fastest call. @throws Error when a call finds the polygons invalid */
function secondsOf(check: (polygons: Polygons) => boolean, polygons: Polygons, repeats = REPEATS): number {
  let fastest = Number.POSITIVE_INFINITY
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const start = process.cpuUsage()
    if (!check(polygons)) throw new Error('valid polygons were found invalid')
    const { user, system } = process.cpuUsage(start)
    fastest = Math.min(fastest, (user + system) / 1e6)
  }
  return fastest
}

const ours = (polygons: Polygons): boolean => areValidAreas(polygons)
const jsts = (polygons: Polygons): boolean => isValidForJsts('MultiPolygon', polygons)

console.log(`${''.padEnd(56)} ${LARGE} positions, growth when doubled, jsts at ${SMALL}`)
for (const [name, family] of FAMILIES) {
  const seconds = secondsOf(ours, family(LARGE))
  const growth = secondsOf(ours, family(2 * LARGE)) / seconds
  const small = family(SMALL)
  const timesLonger = secondsOf(jsts, small, 1) / secondsOf(ours, small)
  console.log(
    `${name.padEnd(56)} ${seconds.toFixed(2)} s  × ${growth.toFixed(1)}  × ${timesLonger.toFixed(1)}`,
  )
}
