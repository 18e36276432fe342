import type { FailureGroup } from '../../api/types.ts'
import { addressOf } from '../../router.ts'
import { cureOf } from '../../ui/cures.ts'
import { formatCount } from '../../ui/format.ts'

/** Failed runs by reason, each with advice and a link to an example. */
export function FailuresCard({ failures }: { readonly failures: readonly FailureGroup[] }) {
  return (
    <section class="card failure" aria-labelledby="failures">
      <h2 id="failures">Why runs failed</h2>
      <ul class="plain failure-groups">
        {failures.map(({ kind, message, count, example: { row, runId } }) => (
          <li key={`${kind} ${message}`}>
            <p>
              <strong class="number">{formatCount(count)} ×</strong> <code class="kind">{kind}</code>{' '}
              {message}
            </p>
            <p class="small-text">
              <strong>What to do: </strong>
              {cureOf(kind).cure} <a href={addressOf(['runs', runId])}>Run of row {formatCount(row)}</a>
            </p>
          </li>
        ))}
      </ul>
    </section>
  )
}
