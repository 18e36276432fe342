import { useState } from 'preact/hooks'
import { LazyDraw } from '../../../viewer/lazy.tsx'
import type { FieldProps } from './field-props.ts'

/** Field for GeoJSON, typed or drawn on the image of another input. Coordinates are pixels from its lower left corner. */
export function GeometryField({ id, label, describedBy, value, isWrong, images, onChange }: FieldProps) {
  const text = typeof value === 'string' ? value : ''
  const [isDrawing, setIsDrawing] = useState(false)
  const [image] = images
  return (
    <div class="geometry">
      <textarea
        id={id}
        class="mono"
        rows={text.length > 100 ? 4 : 2}
        aria-label={label}
        aria-describedby={describedBy}
        aria-invalid={isWrong}
        placeholder='{"type": "Polygon", "coordinates": [ … ]}'
        value={text}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
      <div class="actions">
        <button
          type="button"
          class="small"
          aria-expanded={isDrawing}
          onClick={() => setIsDrawing(!isDrawing)}
        >
          {isDrawing ? 'Stop drawing' : image === undefined ? 'Draw' : 'Draw on the image'}
        </button>
        {image === undefined && isDrawing && (
          <span class="muted small-text">Choose an image in another input to draw on it.</span>
        )}
      </div>
      {isDrawing && <LazyDraw image={image} geometry={text} label={label} onDrawn={onChange} />}
    </div>
  )
}
