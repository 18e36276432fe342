import { Fragment } from 'preact'
import { readScan, type TaskKey } from '../../api/tasks.ts'
import type { ImageScan } from '../../api/types.ts'
import { formatCount, plural } from '../../ui/format.ts'
import { Loading, Time } from '../../ui/parts.tsx'
import { Problem } from '../../ui/problem.tsx'
import { useData } from '../../ui/use-data.ts'
import { scanSummary } from './scan-summary.ts'

/** Known vulnerabilities in the task's image. */
export function ScanCard({ task }: { readonly task: TaskKey }) {
  const scan = useData((signal) => readScan(task, signal), [task.namespace, task.version])
  return (
    <section class="card" aria-labelledby="scan">
      <h2 id="scan">Vulnerabilities</h2>
      {scan.data !== undefined && <ScanFacts scan={scan.data} />}
      {scan.isLoading && scan.data === undefined && <Loading what="the scan of the image" />}
      {scan.error !== undefined && <Problem error={scan.error} title="The scan is unknown." />}
    </section>
  )
}

function ScanFacts({ scan }: { readonly scan: ImageScan }) {
  const { completedAt, findings = [], omitted = 0 } = scan
  const { words, isBad, counts } = scanSummary(scan)
  return (
    <>
      <p class={isBad ? 'bad' : 'muted'}>{words}</p>
      {counts.length > 0 && (
        <dl class="facts">
          {counts.map(({ severity, count }) => (
            <Fragment key={severity}>
              <dt>{severity}</dt>
              <dd>{formatCount(count)}</dd>
            </Fragment>
          ))}
        </dl>
      )}
      {findings.length > 0 && (
        <details>
          <summary>{plural(findings.length, 'finding')}, the worst first</summary>
          <ul class="findings">
            {findings.map(({ name, severity, package: of, version, fixedIn, url }, index) => (
              <li key={index}>
                {url === undefined ? (
                  name
                ) : (
                  <a href={url} rel="noreferrer">
                    {name}
                  </a>
                )}{' '}
                <span class="tag">{severity.toLowerCase()}</span>
                <p class="muted small-text">
                  {[of, version].filter((one) => one !== undefined).join(' ')}
                  {fixedIn !== undefined && `, fixed in ${fixedIn}`}
                </p>
              </li>
            ))}
          </ul>
          {omitted > 0 && <p class="muted small-text">{plural(omitted, 'more finding')} in the registry.</p>}
        </details>
      )}
      {completedAt !== undefined && (
        <p class="muted small-text">
          Scanned <Time at={completedAt} />
        </p>
      )}
    </>
  )
}
