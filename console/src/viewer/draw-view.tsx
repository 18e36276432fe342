import type { Feature } from 'ol'
import type { Circle, Geometry, LineString, Point, Polygon } from 'ol/geom.js'
import Draw, { createBox } from 'ol/interaction/Draw.js'
import { useEffect, useState } from 'preact/hooks'
import { Choices } from '../ui/parts.tsx'
import { MapFrame } from './map-frame.tsx'
import { createShapeLayer } from './shape-layer.ts'
import { shapesOf } from './shapes.ts'
import { useMap } from './use-map.ts'

export interface DrawProps {
  readonly image: File | undefined
  /** GeoJSON of the previous drawing. */
  readonly geometry: string
  readonly label: string
  readonly onDrawn: (geometry: string) => void
}

const TOOLS = [
  { name: 'Polygon', title: 'Polygon' },
  { name: 'Rectangle', title: 'Rectangle' },
  { name: 'Circle', title: 'Circle' },
  { name: 'LineString', title: 'Line' },
  { name: 'Point', title: 'Point' },
] as const
type Tool = (typeof TOOLS)[number]['name']

/** Size of the drawing area without an image. */
const PLANE = { width: 1000, height: 700 }
const STYLE = { stroke: '#e6007e', fill: 'rgb(230 0 126 / 20%)', width: 2 }

/** Drawing area for a geometry, in pixels from the lower left corner of the image. */
export function DrawView({ image, geometry, label, onDrawn }: DrawProps) {
  const [tool, setTool] = useState<Tool>('Polygon')
  const state = useMap(image, PLANE)
  const { map } = state
  useEffect(() => {
    if (map === undefined) return undefined
    const layer = createShapeLayer(map, shapesOf([{ label: '', text: geometry }]), STYLE)
    map.map.addLayer(layer.layer)
    return () => {
      map.map.removeLayer(layer.layer)
    }
  }, [map, geometry])
  useEffect(() => {
    if (map === undefined) return undefined
    const draw = new Draw({
      type: tool === 'Rectangle' ? 'Circle' : tool,
      ...(tool === 'Rectangle' ? { geometryFunction: createBox() } : {}),
    })
    draw.on('drawend', ({ feature }) => onDrawn(geoJsonOf(feature, tool)))
    map.map.addInteraction(draw)
    return () => {
      map.map.removeInteraction(draw)
    }
  }, [map, tool])
  return (
    <MapFrame state={state} label={`Drawing of ${label}`}>
      <Choices label="Tool" tabs={TOOLS} chosen={tool} onChoose={setTool} />
      <span class="muted small-text">{HINTS[tool]}</span>
    </MapFrame>
  )
}

const HINTS: Readonly<Record<Tool, string>> = {
  Polygon: 'Click for each corner; click the first one again to end.',
  Rectangle: 'Click two opposite corners.',
  Circle: 'Click the centre, then the edge.',
  LineString: 'Click for each corner; double click to end.',
  Point: 'Click.',
}

type Coordinate = readonly number[]

function geoJsonOf(feature: Feature<Geometry>, tool: Tool): string {
  const geometry = feature.getGeometry()
  const area = (): object => ({
    type: 'Polygon',
    coordinates: (geometry as Polygon).getCoordinates().map((ring) => ring.map(pixel)),
  })
  const feature_ = (shape: object, properties: object): string =>
    JSON.stringify({ type: 'Feature', geometry: shape, properties })
  switch (tool) {
    case 'Polygon':
      return JSON.stringify(area())
    case 'Rectangle':
      return feature_(area(), { subType: 'Rectangle' })
    case 'Circle': {
      const circle = geometry as Circle
      const centre = { type: 'Point', coordinates: pixel(circle.getCenter()) }
      return feature_(centre, { subType: 'Circle', radius: rounded(circle.getRadius()) })
    }
    case 'LineString':
      return JSON.stringify({
        type: 'LineString',
        coordinates: (geometry as LineString).getCoordinates().map(pixel),
      })
    case 'Point':
      return JSON.stringify({ type: 'Point', coordinates: pixel((geometry as Point).getCoordinates()) })
  }
}

function pixel([x = 0, y = 0]: Coordinate): [number, number] {
  return [rounded(x), rounded(y)]
}

function rounded(value: number): number {
  // `+ 0` turns -0 into 0.
  return Math.round(value * 10) / 10 + 0
}
