import { describe, expect, it } from 'vitest'
import { RECORD_CALLS } from '../../local/recording/recording.ts'
import { covers, isAllowed, type PolicyStatement } from './evaluate-policy.ts'
import { type ReplayedFunction, replayedFunctions } from './functions.ts'
import { UNUSED, type Unused } from './unused.ts'

/*
 * Finds permission bugs without AWS: compares the calls that the integration tests made each function send to the emulator, which
 * allows everything, with the policies of production. First run:
 *
 *   RECORD_CALLS=<folder> npm run test:integration
 */

const directory = process.env[RECORD_CALLS]
if (!directory)
  throw new Error(`${RECORD_CALLS} names no folder: set it for the integration tests, then for these`)
const functions = replayedFunctions(directory)

interface Grant {
  readonly action: string
  readonly resource: string
  readonly statement: PolicyStatement
}

const grantsOf = ({ statements }: ReplayedFunction): readonly Grant[] =>
  statements
    .filter(({ effect }) => effect === 'Allow')
    .flatMap((statement) =>
      statement.actions.flatMap((action) =>
        statement.resources.map((resource) => ({ action, resource, statement })),
      ),
    )

const unusedOf = (replayed: ReplayedFunction): readonly Grant[] =>
  grantsOf(replayed).filter(({ action, resource, statement }) => {
    const only = { ...statement, actions: [action], resources: [resource] }
    return !replayed.needed.some((needed) => covers(only, needed))
  })

const explains =
  (id: string, { action, resource }: Grant) =>
  (unused: Unused) =>
    (unused.function ?? id) === id &&
    unused.actions.includes(action) &&
    resource.includes(unused.resource ?? '')

describe.each(functions)('$id', (replayed) => {
  const { id, needed, statements } = replayed

  it('was called by the integration tests', () => {
    expect(needed.length).toBeGreaterThan(0)
  })

  it('has every permission that it used', () => {
    const refused = needed.filter((one) => !isAllowed(statements, one))

    expect(refused).toEqual([])
  })

  it('used every permission, or the list of unused ones has a reason', () => {
    const unused = unusedOf(replayed)
    const unexplained = unused.filter((grant) => !UNUSED.some(explains(id, grant)))

    const report = unused.map((grant) => {
      const reason = UNUSED.find(explains(id, grant))?.because ?? 'NOT EXPLAINED'
      return `  unused: ${grant.action} on ${grant.resource}: ${reason}`
    })
    const granted = grantsOf(replayed).length
    const actions = new Set(needed.map(({ action }) => action)).size
    console.log(
      [
        `${id}: ${actions} actions on ${needed.length} resources seen, ${granted} allowed, ${unused.length} of them unused`,
        ...report,
      ].join('\n'),
    )
    expect(unexplained.map(({ action, resource }) => `${action} on ${resource}`)).toEqual([])
  })
})

describe('explanations', () => {
  it('refer to permissions that exist', () => {
    const stale = UNUSED.filter(
      (unused) =>
        !functions.some((replayed) =>
          grantsOf(replayed).some((grant) => explains(replayed.id, grant)(unused)),
        ),
    )

    expect(stale).toEqual([])
  })
})
