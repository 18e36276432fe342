import { useState } from 'preact/hooks'
import { changeQuery, type Place } from '../../router.ts'
import { useMayChange } from '../../settings.ts'
import { Choices, Empty, Loading } from '../../ui/parts.tsx'
import { Problem } from '../../ui/problem.tsx'
import { SearchField } from '../../ui/search-field.tsx'
import { useData } from '../../ui/use-data.ts'
import { useTitle } from '../../ui/use-title.ts'
import { type OpenApi, type Operation, operationsOf } from './document.ts'
import { OperationCard } from './operation-card.tsx'

const load = async (): Promise<OpenApi> => (await import('virtual:openapi')).default

/** The OpenAPI document, with a form to call each operation. */
export function ApiPage({ place: { query } }: { readonly place: Place }) {
  useTitle('API')
  const document = useData(load, [])
  if (document.error !== undefined)
    return <Problem error={document.error} title="The document cannot be loaded." />
  if (document.data === undefined) return <Loading what="the document" />
  return (
    <Document document={document.data} tag={query.get('tag') ?? ''} open={query.get('operation') ?? ''} />
  )
}

interface DocumentProps {
  readonly document: OpenApi
  readonly tag: string
  readonly open: string
}

function Document({ document, tag, open }: DocumentProps) {
  const [words, setWords] = useState('')
  const mayChange = useMayChange()
  const tabs = document.tags.map(({ name }) => ({ name, title: name }))
  const chosen = document.tags.find(({ name }) => name === tag) ?? document.tags[0]
  const all =
    words === ''
      ? operationsOf(document, chosen?.name ?? '')
      : document.tags.flatMap(({ name }) => operationsOf(document, name))
  const shown = all.filter((operation) => matches(operation, words))
  return (
    <>
      <div class="title-row">
        <h1>API</h1>
        <a href={downloadOf(document)} download="openapi.json">
          OpenAPI document
        </a>
      </div>
      <div class="filters">
        <Choices
          label="Group"
          tabs={tabs}
          chosen={chosen?.name ?? ''}
          onChoose={(name) => changeQuery({ tag: name, operation: undefined })}
        />
        <SearchField label="Filter operations" placeholder="Filter" value={words} onChange={setWords} />
      </div>
      {words === '' && <p class="muted">{chosen?.description}</p>}
      {shown.length === 0 && (
        <Empty title="No operation matches.">
          <button type="button" class="link" onClick={() => setWords('')}>
            Show all operations
          </button>
        </Empty>
      )}
      <ul class="plain operations">
        {shown.map((operation) => (
          <li key={operation.operationId}>
            <OperationCard
              document={document}
              operation={operation}
              isOpen={operation.operationId === open}
              mayTry={mayChange || operation.method === 'GET'}
              onToggle={(isOpen) => changeQuery({ operation: isOpen ? operation.operationId : undefined })}
            />
          </li>
        ))}
      </ul>
    </>
  )
}

const addresses = new WeakMap<OpenApi, string>()

function downloadOf(document: OpenApi): string {
  const known = addresses.get(document)
  if (known !== undefined) return known
  const blob = new Blob([JSON.stringify(document, null, 2)], { type: 'application/json' })
  const address = URL.createObjectURL(blob)
  addresses.set(document, address)
  return address
}

function matches({ method, path, summary, operationId }: Operation, words: string): boolean {
  const text = `${method} ${path} ${summary} ${operationId}`.toLowerCase()
  return words
    .toLowerCase()
    .split(/\s+/u)
    .every((word) => text.includes(word))
}
