import type { RunValue } from '../api/types.ts'
import { buffersOf, shapesOf } from './shapes.ts'
import { geometriesOf, type ValuesAnswer } from './values.ts'

/* Parses a listing of a run in a worker, so that the page stays responsive while 100 000 geometries are read. */

interface Scope {
  postMessage(message: ValuesAnswer, transfer: ArrayBuffer[]): void
  onmessage: ((event: MessageEvent<string>) => void) | null
}

const scope = self as unknown as Scope

scope.onmessage = ({ data: address }) => {
  void answer(address)
}

async function answer(address: string): Promise<void> {
  try {
    const response = await fetch(address)
    if (!response.ok) return scope.postMessage({ status: response.status, body: await response.text() }, [])
    const listed = (await response.json()) as readonly RunValue[]
    const found = listed.map((value) => ({ value, geometries: geometriesOf(value) }))
    const shapes = found.flatMap(({ value, geometries }) =>
      geometries.length === 0 ? [] : [[value.parameterName, shapesOf(geometries)] as const],
    )
    // Texts of many geometries are not copied to the page, which does not use them.
    const values = found.map(({ value, geometries }) =>
      geometries.length > 0 && Array.isArray(value.value) ? { ...value, value: [] } : value,
    )
    scope.postMessage(
      { values, shapes },
      shapes.flatMap(([, one]) => buffersOf(one)),
    )
  } catch (error) {
    scope.postMessage({ status: 0, body: String(error) }, [])
  }
}
