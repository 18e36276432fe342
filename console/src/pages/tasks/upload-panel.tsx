import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError } from '../../api/client.ts'
import type { Upload } from '../../api/types.ts'
import { type UploadProgress, uploadFile } from '../../api/uploads.ts'
import { addressOf } from '../../router.ts'
import { DropZone } from '../../ui/drop-zone.tsx'
import { formatBytes } from '../../ui/format.ts'
import { Problem, Warnings } from '../../ui/problem.tsx'

type Outcome =
  | { readonly kind: 'ended'; readonly upload: Upload }
  | { readonly kind: 'broken'; readonly error: unknown }

/** State of an upload. */
interface Sending {
  readonly file: File
  readonly progress: UploadProgress | undefined
  readonly outcome: Outcome | undefined
}

/** Uploads a bundle and shows its progress, and the result of its import. */
export function UploadPanel({ onInstalled }: { readonly onInstalled: () => void }) {
  const [sending, setSending] = useState<Sending>()
  const controller = useRef<AbortController | undefined>(undefined)
  useEffect(() => () => controller.current?.abort(), [])
  const start = async (file: File): Promise<void> => {
    controller.current?.abort()
    const mine = new AbortController()
    controller.current = mine
    const show = (rest: Partial<Sending>): void => {
      if (!mine.signal.aborted)
        setSending((last) => ({ ...{ progress: undefined, outcome: undefined }, ...last, ...rest, file }))
    }
    setSending({ file, progress: { stage: 'sending', part: 0, words: 'Sending' }, outcome: undefined })
    try {
      const onProgress = (progress: UploadProgress): void => show({ progress })
      const upload = await uploadFile(file, { purpose: 'task', onProgress, signal: mine.signal })
      show({ outcome: { kind: 'ended', upload } })
      if (upload.state === 'READY') onInstalled()
    } catch (error) {
      show({ outcome: { kind: 'broken', error } })
    }
  }
  const cancel = (): void => {
    controller.current?.abort()
    setSending(undefined)
  }
  return (
    <section aria-label="Upload a task" class="upload">
      <DropZone
        label="Upload a task"
        hint="Drop a bundle (.zip) here, or choose one. Up to 100 GiB; an interrupted transfer is resumed."
        accept=".zip,application/zip"
        onFiles={([file]) => file !== undefined && void start(file)}
      />
      {sending !== undefined && (
        <SendingCard sending={sending} onCancel={cancel} onAgain={() => void start(sending.file)} />
      )}
    </section>
  )
}

interface CardProps {
  readonly sending: Sending
  readonly onCancel: () => void
  readonly onAgain: () => void
}

function SendingCard({ sending: { file, progress, outcome }, onCancel, onAgain }: CardProps) {
  return (
    <div class="card sending">
      <div class="title-row">
        <p>
          <strong>{file.name}</strong> <span class="muted">{formatBytes(file.size)}</span>
        </p>
        <button type="button" class="quiet small" onClick={onCancel}>
          {outcome === undefined ? 'Cancel' : 'Close'}
        </button>
      </div>
      {outcome === undefined && progress !== undefined && <ProgressLine progress={progress} />}
      {outcome?.kind === 'broken' && (
        <>
          <Problem error={outcome.error} title="The upload was interrupted." />
          <p>
            The parts that have arrived are kept for a day.{' '}
            <button type="button" onClick={onAgain}>
              Resume
            </button>
          </p>
        </>
      )}
      {outcome?.kind === 'ended' && <Ended upload={outcome.upload} />}
    </div>
  )
}

function ProgressLine({ progress: { part, words } }: { readonly progress: UploadProgress }) {
  const percent = part === undefined ? undefined : Math.floor(100 * part)
  return (
    <p class="progress-line">
      <progress max={100} {...(percent === undefined ? {} : { value: percent })} aria-label={words} />
      <span>
        {words}
        {percent !== undefined && ` ${percent} %`}
      </span>
    </p>
  )
}

function Ended({ upload }: { readonly upload: Upload }) {
  if (upload.state === 'FAILED') {
    const error = new ApiError(400, upload.error ?? undefined)
    return <Problem error={error} title="The bundle was refused." />
  }
  const { task, warnings } = upload
  return (
    <div role="status">
      <p class="good">
        Installed{' '}
        {task === null ? (
          'a task that has been deleted since'
        ) : (
          <a href={addressOf(['tasks', task.namespace, task.version])}>
            {task.name} {task.version}
          </a>
        )}
        .
      </p>
      {warnings.length > 0 && (
        <>
          <p>Its descriptor has keys without effect:</p>
          <Warnings warnings={warnings} />
        </>
      )}
    </div>
  )
}
