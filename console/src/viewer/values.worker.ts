import type { RunValue } from '../api/types.ts'
import { compareValues } from '../pages/compare/comparison.ts'
import { programsOf } from '../pages/run/program/programs.ts'
import type { Answer, Kind, Question, Results } from './questions.ts'
import { buffersOf, shapesOf } from './shapes.ts'
import { geometriesOf } from './values.ts'

/* Worker that parses the values of runs, so that the page stays responsive while 100 000 geometries are read. */

interface Scope {
  postMessage(message: Answer<Kind>, transfer: ArrayBuffer[]): void
  onmessage: ((event: MessageEvent<Question>) => void) | null
}

const scope = self as unknown as Scope

scope.onmessage = ({ data: question }) => {
  void answer(question)
}

/** The service refused a request. */
class Refusal extends Error {
  readonly answer: { readonly status: number; readonly body: string }

  constructor(answer: Refusal['answer']) {
    super(answer.body)
    this.answer = answer
  }
}

async function answer(question: Question): Promise<void> {
  try {
    const { result, transfer = [] } = await work(question)
    scope.postMessage({ result }, transfer)
  } catch (error) {
    scope.postMessage(error instanceof Refusal ? error.answer : { status: 0, body: String(error) }, [])
  }
}

interface Done {
  readonly result: Results[Kind]
  readonly transfer?: ArrayBuffer[]
}

async function work(question: Question): Promise<Done> {
  switch (question.kind) {
    case 'values': {
      const result = valuesOf(await listed(question.address))
      return { result, transfer: result.shapes.flatMap(([, one]) => buffersOf(one)) }
    }
    case 'comparison': {
      const [one, other] = await Promise.all(question.addresses.map(listed))
      return { result: compareValues(one ?? [], other ?? []) }
    }
    case 'programs':
      return { result: programsOf(question.repeated, await listed(question.address)) }
  }
}

async function listed(address: string | undefined): Promise<readonly RunValue[]> {
  if (address === undefined) return []
  const response = await fetch(address)
  if (!response.ok) throw new Refusal({ status: response.status, body: await response.text() })
  return (await response.json()) as readonly RunValue[]
}

function valuesOf(list: readonly RunValue[]): Results['values'] {
  const found = list.map((value) => ({ value, geometries: geometriesOf(value) }))
  const shapes = found.flatMap(({ value, geometries }) =>
    geometries.length === 0 ? [] : [[value.parameterName, shapesOf(geometries)] as const],
  )
  // Arrays of geometries are not copied to the page, which uses the shapes only.
  const values = found.map(({ value, geometries }) =>
    geometries.length > 0 && value.type === 'ARRAY' ? { ...value, value: [] } : value,
  )
  return { values, shapes }
}
