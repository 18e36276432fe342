/** Prints one figure in the table of a bench. */
export function printFigure(name: string, value: number, unit: string): void {
  console.log(`${name.padEnd(48)} ${Number.isInteger(value) ? value : value.toFixed(2)} ${unit}`)
}

/** Sets the exit code 1 unless a figure is below its target. */
export function expectBelow(name: string, value: number, target: number): void {
  if (value >= target) miss(`${name}: ${value.toFixed(1)}, target < ${target}`)
}

/** Prints a count, and sets the exit code 1 unless it is as expected. */
export function expectEqual(name: string, value: number, expected: number): void {
  printFigure(name, value, `of ${expected}`)
  if (value !== expected) miss(`${name}: ${value}, expected ${expected}`)
}

/** Prints a count, and sets the exit code 1 when it is below a minimum. */
export function expectAtLeast(name: string, value: number, minimum: number): void {
  printFigure(name, value, `of at least ${minimum}`)
  if (value < minimum) miss(`${name}: ${value}, expected at least ${minimum}`)
}

/** Prints a figure of single runs beside that of a set, and sets the exit code 1 when the set's is higher. */
export function expectNotAbove(name: string, single: number, ofSet: number): void {
  console.log(`${name.padEnd(48)} ${single.toFixed(2).padStart(8)} ${ofSet.toFixed(2).padStart(8)}`)
  if (ofSet > single) miss(`${name}: ${ofSet.toFixed(2)}, target <= ${single.toFixed(2)} of a single run`)
}

/** Prints a count, and sets the exit code 1 when it is above a maximum. */
export function expectAtMost(name: string, value: number, maximum: number): void {
  printFigure(name, value, `of at most ${maximum}`)
  if (value > maximum) miss(`${name}: ${value}, expected at most ${maximum}`)
}

function miss(words: string): void {
  console.error(`MISSED: ${words}`)
  process.exitCode = 1
}
