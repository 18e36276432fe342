import { Empty } from './parts.tsx'

interface MissingProps {
  readonly what: 'task' | 'run' | 'run set'
  readonly id: string
  /** Whether the page has shown it. */
  readonly wasShown?: boolean
  readonly listAddress: string
}

/** Shown in place of a page. The service does not distinguish deleted ids from those that never existed. */
export function Missing({ what, id, wasShown = false, listAddress }: MissingProps) {
  return (
    <Empty title={wasShown ? `This ${what} was deleted.` : `There is no such ${what}.`} isWhole>
      {!wasShown && (
        <p>
          The {what} <code>{id.length > MAX_ID ? `${id.slice(0, MAX_ID)}…` : id}</code> was deleted, or the
          link is wrong.
        </p>
      )}
      <p>
        <a href={listAddress}>Show all {what}s</a>
      </p>
    </Empty>
  )
}

/** Maximum number of characters of an id that are shown; a link may contain any. */
const MAX_ID = 100
