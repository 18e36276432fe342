import { ScrollBox } from '../../ui/scroll-box.tsx'
import { type OpenApi, type Operation, shapeOf } from './document.ts'
import { PlainWords } from './plain-words.tsx'
import { TryForm } from './try-form.tsx'

interface CardProps {
  readonly document: OpenApi
  readonly operation: Operation
  readonly isOpen: boolean
  readonly mayTry: boolean
  readonly onToggle: (isOpen: boolean) => void
}

export function OperationCard({ document, operation, isOpen, mayTry, onToggle }: CardProps) {
  const { method, path, summary } = operation
  return (
    <div class="card operation">
      <button type="button" class="operation-head" aria-expanded={isOpen} onClick={() => onToggle(!isOpen)}>
        <span class={`method method-${method.toLowerCase()}`}>{method}</span>
        <code>{path}</code>
        <span class="muted">{summary}</span>
      </button>
      {isOpen && <Details document={document} operation={operation} mayTry={mayTry} />}
    </div>
  )
}

function Details({ document, operation, mayTry }: Pick<CardProps, 'document' | 'operation' | 'mayTry'>) {
  const { description, responses, requestBody } = operation
  return (
    <div class="operation-body">
      {description !== undefined && <PlainWords text={description} />}
      {mayTry ? (
        <TryForm document={document} operation={operation} />
      ) : (
        <p class="muted">
          This console is read-only: operations that change something cannot be called here.
        </p>
      )}
      {requestBody !== undefined && (
        <>
          <h2>Body</h2>
          <Contents document={document} content={requestBody.content} />
        </>
      )}
      <h2>Responses</h2>
      <dl class="facts answers">
        {Object.entries(responses).map(([status, answer]) => (
          <>
            <dt key={status}>
              <code>{status}</code>
            </dt>
            <dd>
              <PlainWords text={answer.description} />
              {status.startsWith('2') && answer.content !== undefined && (
                <Contents document={document} content={answer.content} />
              )}
            </dd>
          </>
        ))}
      </dl>
    </div>
  )
}

interface ContentsProps {
  readonly document: OpenApi
  readonly content: NonNullable<Operation['requestBody']>['content']
}

function Contents({ document, content }: ContentsProps) {
  return (
    <>
      {Object.entries(content).map(([type, { schema }]) => (
        <details key={type}>
          <summary>
            <code>{type}</code>
          </summary>
          <ScrollBox class="source" label={`Form of ${type}`}>
            {shapeOf(document, schema)}
          </ScrollBox>
        </details>
      ))}
    </>
  )
}
