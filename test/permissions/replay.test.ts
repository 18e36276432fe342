import { describe, expect, it } from 'vitest'
import { RECORD_CALLS } from '../recording/recording.ts'
import { covers, isAllowed, type PolicyStatement } from './evaluate-policy.ts'
import { type ReplayedFunction, replayedFunctions } from './functions.ts'
import { UNUSED, type Unused } from './unused.ts'

/*
 * Finds missing permissions without AWS. The emulator allows every call, so this compares the calls that each function sent to it during
 * the integration tests with the policies of production. Run before:
 *
 *   RECORD_CALLS=<folder> npm run test:integration
 */

const directory = process.env[RECORD_CALLS]
if (!directory)
  throw new Error(`${RECORD_CALLS} is not set: set it to a folder for the integration tests, then for these`)
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

  it('used every permission, except those that are listed with a reason', () => {
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
        `${id}: ${actions} actions on ${needed.length} resources used, ${granted} allowed, ${unused.length} of these unused`,
        ...report,
      ].join('\n'),
    )
    expect(unexplained.map(({ action, resource }) => `${action} on ${resource}`)).toEqual([])
  })
})

describe('explanations of unused permissions', () => {
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
