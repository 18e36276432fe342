import { useState } from 'preact/hooks'
import { filePath } from '../../../api/paths.ts'
import type { RunValue } from '../../../api/types.ts'
import { plural } from '../../../ui/format.ts'
import { VirtualRows } from '../../../ui/virtual-rows.tsx'
import { LazyImage } from '../../../viewer/lazy.tsx'
import type { Shapes } from '../../../viewer/shapes.ts'
import { itemsOf, leafType } from '../../../viewer/values.ts'

interface RowProps {
  readonly runId: string
  readonly kind: 'input' | 'output'
  readonly value: RunValue
  readonly label: string
  /** Geometries of the value, which are shown in the map above the rows. */
  readonly shapes: Shapes | undefined
}

export function ValueRow({ runId, kind, value, label, shapes }: RowProps) {
  return (
    <>
      <dt>
        {label} {label !== value.parameterName && <code>{value.parameterName}</code>}
      </dt>
      <dd>
        <Value runId={runId} kind={kind} value={value} label={label} shapes={shapes} />
      </dd>
    </>
  )
}

function Value({ runId, kind, value, label, shapes }: RowProps) {
  const path = filePath(runId, kind, value.parameterName)
  const download = (
    <a class="small-text" href={`../${path}`} download={value.parameterName} aria-label={`Download ${label}`}>
      Download
    </a>
  )
  if (shapes !== undefined) {
    return (
      <>
        {plural(shapes.count, 'geometry', 'geometries')}, see above {download}
      </>
    )
  }
  switch (value.type) {
    case 'ARRAY':
      return <ArrayValue runId={runId} kind={kind} value={value} label={label} path={path} />
    case 'IMAGE':
      return <ImageValue path={path} label={label} download={download} />
    case 'FILE':
      return download
    case 'STRING':
      return (
        <>
          <TextValue text={value.value} />
          {value.truncated && <>The rest is in the file. {download}</>}
        </>
      )
    default:
      return <span class="number">{String(value.value)}</span>
  }
}

const SHORT_TEXT = 300

function TextValue({ text }: { readonly text: string }) {
  const [isWhole, setIsWhole] = useState(false)
  const isLong = text.length > SHORT_TEXT
  return (
    <span class="text-value">
      {text === '' ? (
        <span class="muted">empty</span>
      ) : isWhole || !isLong ? (
        text
      ) : (
        `${text.slice(0, SHORT_TEXT)}…`
      )}
      {isLong && (
        <button
          type="button"
          class="link small-text"
          aria-expanded={isWhole}
          onClick={() => setIsWhole(!isWhole)}
        >
          {isWhole ? 'Less' : 'More'}
        </button>
      )}
    </span>
  )
}

interface ImageProps {
  readonly path: string
  readonly label: string
  readonly download: preact.JSX.Element
}

function ImageValue({ path, label, download }: ImageProps) {
  const [isShown, setIsShown] = useState(false)
  return (
    <>
      <button type="button" class="small" aria-expanded={isShown} onClick={() => setIsShown(!isShown)}>
        {isShown ? 'Hide picture' : 'Show picture'}
      </button>{' '}
      {download}
      {isShown && <LazyImage source={path} label={`Picture of ${label}`} />}
    </>
  )
}

interface ArrayProps {
  readonly runId: string
  readonly kind: 'input' | 'output'
  readonly value: Extract<RunValue, { readonly type: 'ARRAY' }>
  readonly label: string
  readonly path: string
}

function ArrayValue({ runId, kind, value, label, path }: ArrayProps) {
  const [shown, setShown] = useState<number>()
  const items = itemsOf(value.value)
  const leaf = leafType(value)
  const isOfFiles = leaf === 'IMAGE' || leaf === 'FILE'
  const itemPath = (at: number): string =>
    filePath(runId, kind, value.parameterName, (items[at]?.label ?? '').split('/').map(Number))
  return (
    <>
      <p>
        {plural(items.length, 'item')}{' '}
        <a class="small-text" href={`../${path}`} download={`${value.parameterName}.zip`}>
          Download as zip
        </a>
      </p>
      {items.length > 0 && (
        <VirtualRows
          label={`Items of ${label} (${kind})`}
          count={items.length}
          columns={['Item', isOfFiles ? 'File' : 'Value']}
          {...(leaf === 'IMAGE' ? { chosen: shown, onChoose: setShown } : {})}
          cells={(at) => [
            items[at]?.label,
            isOfFiles ? (
              <a
                key="file"
                href={`../${itemPath(at)}`}
                aria-label={`Download item ${items[at]?.label}`}
                onClick={(event) => event.stopPropagation()}
              >
                Download
              </a>
            ) : (
              String(items[at]?.value)
            ),
          ]}
        />
      )}
      {leaf === 'IMAGE' && items.length > 0 && shown === undefined && (
        <p class="muted small-text">Choose an item to see its picture.</p>
      )}
      {shown !== undefined && (
        <LazyImage
          key={shown}
          source={itemPath(shown)}
          label={`Picture of ${label}, item ${items[shown]?.label}`}
        />
      )}
    </>
  )
}
