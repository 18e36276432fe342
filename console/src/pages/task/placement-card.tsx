import type { Descriptor } from '../../api/descriptor.ts'
import { readPlacement, type TaskKey } from '../../api/tasks.ts'
import type { Placement } from '../../api/types.ts'
import { formatBytes, formatMemory, formatMoney } from '../../ui/format.ts'
import { Loading } from '../../ui/parts.tsx'
import { Problem } from '../../ui/problem.tsx'
import { useData } from '../../ui/use-data.ts'

interface CardProps {
  readonly task: TaskKey
  readonly resources: Descriptor['resources']
}

/** What the task asks for, where its runs go, and what an hour costs. */
export function PlacementCard({ task, resources }: CardProps) {
  const placement = useData((signal) => readPlacement(task, signal), [task.namespace, task.version])
  return (
    <section class="card" aria-labelledby="placement">
      <h2 id="placement">Where it runs</h2>
      <dl class="facts">
        <dt>Asks for</dt>
        <dd>{askedFor(resources)}</dd>
        {placement.data !== undefined && <PlacementFacts placement={placement.data} />}
      </dl>
      {placement.isLoading && placement.data === undefined && <Loading what="the placement" />}
      {placement.error !== undefined && <Problem error={placement.error} title="The placement is unknown." />}
    </section>
  )
}

function PlacementFacts({ placement }: { readonly placement: Placement }) {
  const {
    placeable,
    queue,
    platform,
    vcpus,
    memoryMiB,
    gpus,
    diskGiB,
    pricePerHour,
    currency,
    pricesOf,
    imageSizeBytes,
  } = placement
  if (!placeable) {
    return (
      <>
        <dt>Queue</dt>
        <dd>
          <p class="bad">No queue can hold it.</p>
          {placement.reasons?.map((reason) => (
            <p key={reason}>{reason}</p>
          ))}
        </dd>
      </>
    )
  }
  return (
    <>
      <dt>Queue</dt>
      <dd>
        {queue} {platform !== null && <span class="muted">({platform})</span>}
      </dd>
      {vcpus !== null && memoryMiB !== null && (
        <>
          <dt>Machine</dt>
          <dd>
            {vcpus} vCPU, {formatMemory(memoryMiB)}
            {gpus ? `, ${gpus} GPU` : ''}
            {diskGiB === undefined ? '' : `, ${diskGiB} GiB disk`}
          </dd>
        </>
      )}
      {imageSizeBytes !== undefined && (
        <>
          <dt>Image</dt>
          <dd>{formatBytes(imageSizeBytes)}</dd>
        </>
      )}
      {pricePerHour !== undefined && (
        <>
          <dt>Price</dt>
          <dd title={pricesOf === undefined ? undefined : `On-demand prices of ${pricesOf}`}>
            about {formatMoney(pricePerHour, currency)} an hour
          </dd>
        </>
      )}
    </>
  )
}

function askedFor({ cpus = 1, ram, gpus = 0, internet = false }: Descriptor['resources']): string {
  const words = [`${cpus} CPU`, ram === undefined ? 'default memory' : `${ram} memory`]
  if (gpus > 0) words.push(`${gpus} GPU`)
  if (internet) words.push('internet')
  return words.join(', ')
}
