import type { CountName, KindOf, MeasureName } from '../contract/metrics.ts'

/** Metrics of this installation, by the names of src/contract/metrics.ts. The methods neither fail nor wait. */
export interface Metrics {
  /** Adds 1 to the count of this kind. `about` is logged with the metric and can be searched for. */
  count<Name extends CountName>(
    name: Name,
    kind: KindOf<Name>,
    about?: Readonly<Record<string, string>>,
  ): void
  observe(name: MeasureName, value: number): void
}
