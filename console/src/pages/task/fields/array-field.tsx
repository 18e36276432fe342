import type { ComponentType } from 'preact'
import { useState } from 'preact/hooks'
import type { ArrayType } from '../../../api/types.ts'
import { DropZone } from '../../../ui/drop-zone.tsx'
import { plural } from '../../../ui/format.ts'
import { emptyValue, type FieldValue, holdsFiles } from '../field-values.ts'
import { parsePasted } from '../paste.ts'
import type { FieldProps } from './field-props.ts'

/** Maximum number of items with a field, because more make the page slow. Items without a field are sent too. */
const MAX_SHOWN = 200

interface ArrayProps extends Omit<FieldProps, 'type'> {
  readonly type: ArrayType
  /** Field of an item, which may be an array itself. */
  readonly Item: ComponentType<FieldProps>
}

/** List of items with buttons to add, remove and paste. */
export function ArrayField({ type, value, ...props }: ArrayProps) {
  const items = Array.isArray(value) ? (value as readonly FieldValue[]) : []
  const { id, label, onChange } = props
  const isOfFiles = type.subType.id === 'image' || type.subType.id === 'file'
  return (
    <fieldset class="array" id={id} aria-label={label} aria-describedby={props.describedBy}>
      <Items {...props} type={type} items={items} />
      {items.length > MAX_SHOWN && (
        <p class="muted">… and {plural(items.length - MAX_SHOWN, 'more item')}.</p>
      )}
      {isOfFiles && (
        <DropZone
          label={`Add files to ${label}`}
          hint="Each file becomes an item."
          isMultiple
          onFiles={(files) => onChange([...items.filter((item) => item !== ''), ...files])}
        />
      )}
      <Additions type={type} label={label} items={items} onChange={onChange} />
    </fieldset>
  )
}

interface ItemsProps extends Omit<ArrayProps, 'value'> {
  readonly items: readonly FieldValue[]
}

function Items({ type, items, Item, ...props }: ItemsProps) {
  const { id, label, onChange } = props
  return (
    <ol start={0}>
      {items.slice(0, MAX_SHOWN).map((item, at) => (
        // Items have no identity except their index.
        <li key={`${at}`}>
          <Item
            {...props}
            id={`${id}-${at}`}
            label={`${label}, item ${at}`}
            type={type.subType}
            value={item}
            isOptional={false}
            onChange={(next) => onChange(items.with(at, next))}
          />
          <button
            type="button"
            class="quiet small"
            aria-label={`Remove item ${at} of ${label}`}
            onClick={() => onChange(items.toSpliced(at, 1))}
          >
            Remove
          </button>
        </li>
      ))}
    </ol>
  )
}

/** Buttons that add items. */
function Additions({
  type,
  label,
  items,
  onChange,
}: Pick<ItemsProps, 'type' | 'label' | 'items' | 'onChange'>) {
  const [isPasting, setIsPasting] = useState(false)
  const isFull = type.maxSize !== undefined && items.length >= type.maxSize
  return (
    <>
      <div class="actions">
        <button
          type="button"
          class="small"
          disabled={isFull}
          onClick={() => onChange([...items, emptyValue(type.subType)])}
        >
          Add item
        </button>
        {!holdsFiles(type) && (
          <button
            type="button"
            class="small"
            aria-expanded={isPasting}
            onClick={() => setIsPasting(!isPasting)}
          >
            Paste CSV or JSON
          </button>
        )}
        {items.length > 0 && <span class="muted small-text">{plural(items.length, 'item')}</span>}
      </div>
      {isPasting && (
        <Paste
          type={type}
          label={label}
          onItems={(pasted) => {
            onChange(pasted)
            setIsPasting(false)
          }}
        />
      )}
    </>
  )
}

interface PasteProps {
  readonly type: ArrayType
  readonly label: string
  readonly onItems: (items: readonly FieldValue[]) => void
}

function Paste({ type, label, onItems }: PasteProps) {
  const [text, setText] = useState('')
  const parsed = parsePasted(type, text)
  const count = 'problem' in parsed ? 0 : parsed.length
  return (
    <div class="paste">
      <textarea
        rows={4}
        aria-label={`Items of ${label} as CSV or JSON`}
        placeholder={'1, 2, 3\nor one item per line, or [1, 2, 3]'}
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
      {'problem' in parsed && <p class="bad small-text">{parsed.problem}</p>}
      <button
        type="button"
        class="small"
        disabled={count === 0}
        onClick={() => 'problem' in parsed || onItems(parsed)}
      >
        Use {plural(count, 'item')}
      </button>
    </div>
  )
}
