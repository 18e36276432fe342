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

/** Requested resources, placement of the task's runs, and price of an hour. */
export function PlacementCard({ task, resources }: CardProps) {
  const placement = useData((signal) => readPlacement(task, signal), [task.namespace, task.version])
  return (
    <section class="card" aria-labelledby="placement">
      <h2 id="placement">Where it runs</h2>
      <dl class="facts">
        <dt>Requested</dt>
        <dd>{askedFor(resources)}</dd>
        {placement.data !== undefined && <PlacementFacts placement={placement.data} />}
      </dl>
      {placement.isLoading && placement.data === undefined && <Loading what="the placement" />}
      {placement.error !== undefined && <Problem error={placement.error} title="The placement is unknown." />}
    </section>
  )
}

function PlacementFacts({ placement }: { readonly placement: Placement }) {
  if (!placement.placeable) {
    return (
      <>
        <dt>Queue</dt>
        <dd>
          <p class="bad">No queue can run this task.</p>
          {placement.reasons.map((reason) => (
            <p key={reason}>{reason}</p>
          ))}
        </dd>
      </>
    )
  }
  const { queue, platform, vcpus, memoryMiB, gpus, diskGiB, imageSizeBytes } = placement
  const { pricePerHour, currency, pricesOf } = placement
  return (
    <>
      <dt>Queue</dt>
      <dd>
        {queue} <span class="muted">({platform})</span>
      </dd>
      <dt>Machine</dt>
      <dd>
        {vcpus} vCPU, {formatMemory(memoryMiB)}
        {gpus > 0 && `, ${gpus} GPU`}, {diskGiB} GiB disk
      </dd>
      {imageSizeBytes !== undefined && (
        <>
          <dt>Image</dt>
          <dd>{formatBytes(imageSizeBytes)}</dd>
        </>
      )}
      <dt>Price</dt>
      <dd title={`On-demand prices of ${pricesOf}`}>about {formatMoney(pricePerHour, currency)} an hour</dd>
    </>
  )
}

function askedFor({ cpus = 1, ram, gpus = 0, internet = false }: Descriptor['resources']): string {
  const words = [`${cpus} CPU`, ram === undefined ? 'default memory' : `${ram} memory`]
  if (gpus > 0) words.push(`${gpus} GPU`)
  if (internet) words.push('internet')
  return words.join(', ')
}
