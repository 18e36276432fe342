import { formatCount } from '../ui/format.ts'
import { VirtualRows } from '../ui/virtual-rows.tsx'
import { boxOf, KIND_NAMES, type Shapes } from './shapes.ts'

const COLUMNS = [
  'Item',
  'Kind',
  'Area',
  { title: 'x, y', hint: 'Lower left corner of the box' },
  'File',
] as const

interface TableProps {
  readonly label: string
  readonly shapes: Shapes
  readonly chosen: number | undefined
  readonly hrefOf: (at: number) => string
  readonly onChoose: (at: number) => void
}

/** Table with a row for each geometry, with x and y of the lower left corner of its box; scrolls to the selected one. */
export function ShapeTable({ label, shapes, chosen, hrefOf, onChoose }: TableProps) {
  return (
    <VirtualRows
      label={label}
      count={shapes.count}
      columns={COLUMNS}
      chosen={chosen}
      onChoose={onChoose}
      cells={(at) => {
        const [left, bottom] = boxOf(shapes, at)
        const area = shapes.areas[at] ?? 0
        const name = shapes.labels[at] === '' ? '–' : (shapes.labels[at] ?? '')
        return [
          name,
          KIND_NAMES[shapes.kinds[at] ?? 0],
          area === 0 ? '' : `${formatCount(Math.round(area))} px²`,
          `${Math.round(left)}, ${Math.round(bottom)}`,
          <a
            key="file"
            href={hrefOf(at)}
            aria-label={`GeoJSON of item ${name}`}
            onClick={(event) => event.stopPropagation()}
          >
            GeoJSON
          </a>,
        ]
      }}
    />
  )
}
