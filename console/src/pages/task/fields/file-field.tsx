import type { ParameterType } from '../../../api/types.ts'
import { DropZone } from '../../../ui/drop-zone.tsx'
import { formatBytes } from '../../../ui/format.ts'
import { LazyImage } from '../../../viewer/lazy.tsx'
import type { FieldProps } from './field-props.ts'

type FileType = ParameterType & { readonly id: 'image' | 'file' }

const TYPES: Readonly<Record<string, string>> = {
  png: '.png,image/png',
  jpeg: '.jpg,.jpeg,image/jpeg',
  tiff: '.tif,.tiff,.svs,image/tiff',
  dicom: '.dcm',
  wsidicom: '.zip',
  text: 'text/*',
}

/** Field for a file, which is dropped or chosen, with a preview of an image. */
export function FileField({
  label,
  type,
  value,
  onChange,
}: Omit<FieldProps, 'type'> & { readonly type: FileType }) {
  const file = value instanceof File ? value : undefined
  const accept = type.formats?.every((format) => TYPES[format] !== undefined)
    ? type.formats.map((format) => TYPES[format]).join(',')
    : undefined
  if (file === undefined) {
    return (
      <DropZone
        label={label}
        hint={type.id === 'image' ? 'Drop an image here.' : 'Drop a file here.'}
        {...(accept === undefined ? {} : { accept })}
        onFiles={([first]) => first !== undefined && onChange(first)}
      />
    )
  }
  return (
    <div class="chosen-file">
      {type.id === 'image' && <LazyImage source={file} label={`Preview of ${label}`} />}
      <p>
        {file.name} <span class="muted">{formatBytes(file.size)}</span>{' '}
        <button
          type="button"
          class="quiet small"
          onClick={() => onChange('')}
          aria-label={`Remove the file of ${label}`}
        >
          Remove
        </button>
      </p>
    </div>
  )
}
