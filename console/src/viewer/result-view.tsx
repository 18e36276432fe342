import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { filePath } from '../api/paths.ts'
import { plural } from '../ui/format.ts'
import { MapFrame } from './map-frame.tsx'
import { createShapeLayer, type ShapeLayer } from './shape-layer.ts'
import { ShapeTable } from './shape-table.tsx'
import { boxOf, type Shapes, shapeAt } from './shapes.ts'
import { type MapState, useMap } from './use-map.ts'

/** An image of the run on which geometries can be shown. */
export interface ResultImage {
  readonly name: string
  readonly label: string
  readonly path: string
}

/** Geometries of one input or output. */
export interface ShapeSet {
  readonly name: string
  readonly label: string
  readonly kind: 'input' | 'output'
  readonly shapes: Shapes
  /** Name of the input from which the output was derived. */
  readonly derivedFrom: string | null
}

export interface ResultViewProps {
  readonly runId: string
  readonly images: readonly ResultImage[]
  readonly sets: readonly ShapeSet[]
}

/** Colours that are distinguishable with a colour vision deficiency, on pink and violet tissue. */
const COLOURS = ['#00a0e0', '#e0a000', '#00a060', '#d03030', '#7050d0', '#404040'] as const
const CHOICE_STYLE = { stroke: '#ffe000', fill: 'rgb(255 224 0 / 35%)', width: 3 }
/** Tolerance of a click, in pixels of the screen. */
const CLICK_PIXELS = 4
/** Size of the map without an image, relative to the extent of the geometries. */
const MARGIN = 1.05

interface Choice {
  readonly set: string
  readonly at: number
}

/** Geometries over an image of the run, and their table. Both show the same selection. */
export function ResultView({ runId, images, sets }: ResultViewProps) {
  const first = images.find(({ name }) => name === sets[0]?.derivedFrom) ?? images[0]
  const [path, setPath] = useState(first?.path)
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const [choice, setChoice] = useState<Choice>()
  const [tableOf, setTableOf] = useState(sets[0]?.name)
  const plane = useMemo(() => sizeOf(sets), [sets])
  const state = useMap(path, plane)
  useShapeLayers(state, sets, hidden, choice)
  useClicks(state, sets, hidden, (next) => {
    setChoice(next)
    if (next !== undefined) setTableOf(next.set)
  })
  const shown = sets.find(({ name }) => name === tableOf) ?? sets[0]
  const choose = (set: ShapeSet, at: number): void => {
    setChoice({ set: set.name, at })
    state.map?.show(boxOf(set.shapes, at))
  }
  return (
    <div class="result-view">
      <MapFrame state={state} label="Geometries over the image">
        {images.length > 0 && <ImageChoice images={images} path={path} onChoose={setPath} />}
        {sets.map((set, at) => (
          <label key={set.name} class="overlay">
            <input
              type="checkbox"
              checked={!hidden.has(set.name)}
              onChange={() => setHidden((last) => toggled(last, set.name))}
            />
            <span class="swatch" style={{ background: colourOf(at) }} />
            {set.label} <span class="muted">({plural(set.shapes.count, 'geometry', 'geometries')})</span>
          </label>
        ))}
      </MapFrame>
      <div class="shape-side">
        {sets.length > 1 && <SetChoice sets={sets} shown={shown} onChoose={setTableOf} />}
        {shown !== undefined && (
          <ShapeTable
            label={shown.label}
            shapes={shown.shapes}
            chosen={choice?.set === shown.name ? choice.at : undefined}
            hrefOf={(at) => hrefOf(runId, shown, at)}
            onChoose={(at) => choose(shown, at)}
          />
        )}
      </div>
    </div>
  )
}

interface ImageChoiceProps {
  readonly images: readonly ResultImage[]
  readonly path: string | undefined
  readonly onChoose: (path: string | undefined) => void
}

function ImageChoice({ images, path, onChoose }: ImageChoiceProps) {
  return (
    <select
      aria-label="Image under the geometries"
      value={path ?? ''}
      onChange={({ currentTarget }) => onChoose(currentTarget.value === '' ? undefined : currentTarget.value)}
    >
      {images.map((image) => (
        <option key={image.path} value={image.path}>
          {image.label}
        </option>
      ))}
      <option value="">No image</option>
    </select>
  )
}

interface SetChoiceProps {
  readonly sets: readonly ShapeSet[]
  readonly shown: ShapeSet | undefined
  readonly onChoose: (name: string) => void
}

function SetChoice({ sets, shown, onChoose }: SetChoiceProps) {
  return (
    <select
      aria-label="Geometries in the table"
      value={shown?.name}
      onChange={({ currentTarget }) => onChoose(currentTarget.value)}
    >
      {sets.map(({ name, label }) => (
        <option key={name} value={name}>
          {label}
        </option>
      ))}
    </select>
  )
}

function hrefOf(runId: string, { kind, name, shapes }: ShapeSet, at: number): string {
  const label = shapes.labels[at] ?? ''
  const parameter = name.replace(/^(?:input|output) /u, '')
  return `../${filePath(runId, kind, parameter, label === '' ? undefined : label.split('/').map(Number))}`
}

/** Adds a layer for each set, and one for the selection. */
function useShapeLayers(
  { map }: MapState,
  sets: readonly ShapeSet[],
  hidden: ReadonlySet<string>,
  choice: Choice | undefined,
): void {
  const layers = useRef<ReadonlyMap<string, { readonly all: ShapeLayer; readonly chosen: ShapeLayer }>>(
    new Map(),
  )
  useEffect(() => {
    if (map === undefined) return undefined
    const made = new Map(
      sets.map(({ name, shapes }, at) => {
        const colour = colourOf(at)
        const all = createShapeLayer(map, shapes, { stroke: colour, fill: `${colour}2e`, width: 1.5 })
        const chosen = createShapeLayer(map, shapes, CHOICE_STYLE, true)
        map.map.addLayer(all.layer)
        chosen.layer.setZIndex(1)
        map.map.addLayer(chosen.layer)
        return [name, { all, chosen }]
      }),
    )
    layers.current = made
    return () => {
      for (const { all, chosen } of made.values()) {
        map.map.removeLayer(all.layer)
        map.map.removeLayer(chosen.layer)
      }
      layers.current = new Map()
    }
  }, [map, sets])
  useEffect(() => {
    for (const [name, { all }] of layers.current) all.layer.setVisible(!hidden.has(name))
  }, [map, sets, hidden])
  useEffect(() => {
    for (const [name, { chosen }] of layers.current)
      chosen.choose(choice?.set === name ? choice.at : undefined)
  }, [map, sets, choice])
}

function useClicks(
  { map }: MapState,
  sets: readonly ShapeSet[],
  hidden: ReadonlySet<string>,
  onChoose: (choice: Choice | undefined) => void,
): void {
  useEffect(() => {
    if (map === undefined) return undefined
    const click = ({ coordinate }: { readonly coordinate: readonly number[] }): void => {
      const [x = 0, y = 0] = coordinate
      const tolerance = CLICK_PIXELS * (map.map.getView().getResolution() ?? 1)
      const found = sets
        .filter(({ name }) => !hidden.has(name))
        .flatMap(({ name, shapes }) => {
          const at = shapeAt(shapes, x, y, tolerance)
          return at === undefined ? [] : [{ set: name, at, area: shapes.areas[at] ?? 0 }]
        })
        .sort((one, other) => one.area - other.area)
      onChoose(found[0])
    }
    map.map.on('singleclick', click)
    return () => map.map.un('singleclick', click)
  }, [map, sets, hidden])
}

function sizeOf(sets: readonly ShapeSet[]): { width: number; height: number } {
  let [right, top] = [1, 1]
  for (const { shapes } of sets) {
    for (let at = 0; at < shapes.count; at += 1) {
      const [, , x, y] = boxOf(shapes, at)
      right = Math.max(right, x)
      top = Math.max(top, y)
    }
  }
  return { width: right * MARGIN, height: top * MARGIN }
}

function colourOf(at: number): string {
  return COLOURS[at % COLOURS.length] ?? COLOURS[0]
}

function toggled(set: ReadonlySet<string>, name: string): ReadonlySet<string> {
  const next = new Set(set)
  if (!next.delete(name)) next.add(name)
  return next
}
