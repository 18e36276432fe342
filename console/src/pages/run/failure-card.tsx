import { path } from '../../api/paths.ts'
import type { Run, RunFailure } from '../../api/types.ts'
import { addressOf } from '../../router.ts'
import { type CureLink, cureOf, linksOf } from '../../ui/cures.ts'
import { ScrollBox } from '../../ui/scroll-box.tsx'

/** Why a run failed, what to do about it, and links that help. */
export function FailureCard({ run, failure }: { readonly run: Run; readonly failure: RunFailure }) {
  const { what, cure } = cureOf(failure.kind)
  const [first = '', ...others] = failure.message.split('\n')
  return (
    <section class="card failure" aria-labelledby="failure">
      <h2 id="failure">
        {what} <code class="kind">{failure.kind}</code>
        {failure.exitCode !== undefined && <span class="muted"> exit code {failure.exitCode}</span>}
      </h2>
      <p class="failure-message">{first}</p>
      {others.length > 0 && (
        <ScrollBox class="failure-more" label="More about the failure">
          {others.join('\n')}
        </ScrollBox>
      )}
      <p>
        <strong>What to do: </strong>
        {cure}
      </p>
      <p class="link-row">
        {linksOf(failure).map((link) => (
          <Way key={link} link={link} run={run} />
        ))}
      </p>
    </section>
  )
}

function Way({ link, run: { id, task } }: { readonly link: CureLink; readonly run: Run }) {
  switch (link) {
    case 'log':
      return (
        <button type="button" class="link" onClick={() => showLog()}>
          Read the log
        </button>
      )
    case 'task':
      return <a href={addressOf(['tasks', task.namespace, task.version])}>Where the task would run</a>
    case 'outputs':
      return (
        <a href={addressOf(['tasks', task.namespace, task.version], { tab: 'parameters' })}>
          Outputs that the task declares
        </a>
      )
    case 'rejected':
      return <a href={`../task-runs/${path(id)}/rejected-outputs.zip`}>What the task had written</a>
    case 'upload':
      return <a href={addressOf(['tasks'])}>Upload the task</a>
  }
}

function showLog(): void {
  const log = document.getElementById('log')
  log?.scrollIntoView()
  log?.focus()
}
