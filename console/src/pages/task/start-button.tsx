interface StartProps {
  readonly title: string
  /** What is in progress; undefined when the form can be sent. */
  readonly progress: string | undefined
}

/** Button that sends the form, and its progress. */
export function StartButton({ title, progress }: StartProps) {
  return (
    <div class="actions">
      <button type="submit" class="primary" disabled={progress !== undefined}>
        {title}
      </button>
      <span role="status" class="muted">
        {progress !== undefined && `${progress} …`}
      </span>
    </div>
  )
}
