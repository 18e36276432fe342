import type { CountName, KindOf, MeasureName } from '../contract/metrics.ts'

/** Figures of this installation, by the names of src/contract/metrics.ts. Neither method fails or waits. */
export interface Metrics {
  /** One more of this kind. What `about` says stands in the log beside the figure and can be searched for. */
  count<Name extends CountName>(
    name: Name,
    kind: KindOf<Name>,
    about?: Readonly<Record<string, string>>,
  ): void
  observe(name: MeasureName, value: number): void
}
