import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { path } from '../../api/client.ts'
import type { Run } from '../../api/types.ts'
import { isFinal } from '../../ui/parts.tsx'
import { ScrollBox } from '../../ui/scroll-box.tsx'
import { plainText } from './plain-text.ts'
import type { Log } from './use-run.ts'

interface LogProps {
  readonly log: Log
  readonly run: Run
}

/** Within so many pixels of the end, new lines are followed. */
const END_PIXELS = 30

/** The log as it grows. Whoever scrolls up stays there. */
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
      {log.isCut && <p class="muted small-text">The beginning is left out.</p>}
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
