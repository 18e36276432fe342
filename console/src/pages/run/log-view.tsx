import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { path } from '../../api/paths.ts'
import type { Run } from '../../api/types.ts'
import { isFinal } from '../../ui/run-states.ts'
import { ScrollBox } from '../../ui/scroll-box.tsx'
import { plainText } from './plain-text.ts'
import type { Log } from './use-run.ts'

interface LogProps {
  readonly log: Log
  readonly run: Run
}

/** Maximum distance from the end at which the view follows new lines. */
const END_PIXELS = 30

/** The log. It follows new lines unless the user has scrolled up. */
export function LogView({ log, run }: LogProps) {
  const box = useRef<HTMLElement>(null)
  const [isFollowing, setIsFollowing] = useState(true)
  const text = useMemo(() => plainText(log.text), [log.text])
  useEffect(() => {
    if (isFollowing && box.current !== null) box.current.scrollTop = box.current.scrollHeight
  }, [text, isFollowing])
  const isLive = !log.isComplete && !isFinal(run.state)
  return (
    <section class="card" aria-labelledby="log-title">
      <div class="title-row">
        <h2 id="log-title">Log {isLive && <span class="tag live">live</span>}</h2>
        <span class="actions">
          {isLive && (
            <label class="small-text">
              <input type="checkbox" checked={isFollowing} onChange={() => setIsFollowing(!isFollowing)} />{' '}
              Follow
            </label>
          )}
          <a class="small-text" href={`../task-runs/${path(run.id)}/logs`}>
            As text
          </a>
        </span>
      </div>
      {log.isCut && <p class="muted small-text">The beginning is omitted.</p>}
      <ScrollBox
        boxRef={box}
        id="log"
        class="log"
        label="Log of the task"
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) =>
          setIsFollowing(scrollHeight - scrollTop - clientHeight < END_PIXELS)
        }
      >
        {text === '' ? <span class="muted">{emptyWords(run)}</span> : text}
      </ScrollBox>
    </section>
  )
}

function emptyWords({ state, startedAt }: Run): string {
  if (isFinal(state)) return startedAt === undefined ? 'The task did not run.' : 'The task printed nothing.'
  if (state === 'RUNNING') return 'Nothing printed yet.'
  return 'The log begins when the task runs.'
}
