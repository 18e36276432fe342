import type { ComponentType, FunctionComponent } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { getJson } from './api/client.ts'
import type { Config } from './api/types.ts'
import { RunsPage } from './pages/runs/runs-page.tsx'
import { TasksPage } from './pages/tasks/tasks-page.tsx'
import { type Place, usePlace } from './router.ts'
import { ConfigContext } from './settings.ts'
import { Empty, Loading } from './ui/parts.tsx'
import { Problem } from './ui/problem.tsx'
import { ThemeButton } from './ui/theme.tsx'
import { useData } from './ui/use-data.ts'
import { useTitle } from './ui/use-title.ts'

interface PageProps {
  readonly place: Place
}
type Page = FunctionComponent<PageProps>

/** Pages whose code is loaded on first use. */
const LAZY = {
  task: () => import('./pages/task/task-page.tsx').then(({ TaskPage }) => TaskPage as Page),
  run: () => import('./pages/run/run-page.tsx').then(({ RunPage }) => RunPage as Page),
  sets: () => import('./pages/sets/sets-page.tsx').then(({ SetsPage }) => SetsPage as Page),
  set: () => import('./pages/set/set-page.tsx').then(({ SetPage }) => SetPage as Page),
  compare: () => import('./pages/compare/compare-page.tsx').then(({ ComparePage }) => ComparePage as Page),
  api: () => import('./pages/api/api-page.tsx').then(({ ApiPage }) => ApiPage as Page),
} as const

const NAVIGATION = [
  { name: 'tasks', title: 'Tasks', address: '#/tasks' },
  { name: 'runs', title: 'Runs', address: '#/runs' },
  { name: 'sets', title: 'Sets', address: '#/sets' },
  { name: 'api', title: 'API', address: '#/api' },
] as const

export function App() {
  const place = usePlace()
  const config = useData((signal) => getJson<Config>('ui/config.json', signal), [])
  const [first = 'tasks'] = place.segments
  useNewPage(place.segments.join('/'))
  return (
    <>
      <button type="button" class="skip" onClick={focusMain}>
        Skip to content
      </button>
      <header class="top">
        <a class="brand" href="#/tasks">
          <img src={new URL('./icon.svg', import.meta.url).href} alt="" width="22" height="22" />
          App Engine
        </a>
        <nav aria-label="Pages">
          {NAVIGATION.map(({ name, title, address }) => (
            <a key={name} href={address} aria-current={sectionOf(first) === name ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <div class="top-end">
          {config.data?.mode === 'read-only' && <span class="tag">read-only</span>}
          <ThemeButton />
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {config.error !== undefined && <Problem error={config.error} title="The console cannot start." />}
        {config.data === undefined && config.error === undefined && <Loading what="the console" />}
        {config.data !== undefined && (
          <ConfigContext.Provider value={config.data}>
            <CurrentPage place={place} />
          </ConfigContext.Provider>
        )}
      </main>
    </>
  )
}

function CurrentPage({ place }: PageProps) {
  const [first = 'tasks', second] = place.segments
  if (first === 'tasks') return second === undefined ? <TasksPage /> : <LazyPage name="task" place={place} />
  if (first === 'runs')
    return second === undefined ? <RunsPage place={place} /> : <LazyPage name="run" place={place} />
  if (first === 'sets') return <LazyPage name={second === undefined ? 'sets' : 'set'} place={place} />
  if (first === 'compare' || first === 'api') return <LazyPage name={first} place={place} />
  return <NoPage />
}

function NoPage() {
  useTitle('No such page')
  return (
    <Empty title="There is no such page." isWhole>
      <p>
        Go to the <a href="#/tasks">tasks</a> or the <a href="#/runs">runs</a>.
      </p>
    </Empty>
  )
}

function LazyPage({ name, place }: PageProps & { readonly name: keyof typeof LAZY }) {
  const loaded = useData<{ readonly Page: ComponentType<PageProps> }>(
    async () => ({ Page: await LAZY[name]() }),
    [name],
  )
  if (loaded.error !== undefined) return <Problem error={loaded.error} title="The page cannot be loaded." />
  if (loaded.data === undefined) return <Loading what="the page" />
  // The key resets the page's state when another task or run is shown.
  return <loaded.data.Page key={place.segments.join('/')} place={place} />
}

function sectionOf(first: string): string {
  return first === 'compare' ? 'runs' : first
}

function focusMain(): void {
  document.getElementById('main')?.focus()
}

/** Scrolls to the top and moves the focus, as a browser does for a new document. */
function useNewPage(path: string): void {
  const [first] = useState(path)
  useEffect(() => {
    if (path === first) return
    scrollTo(0, 0)
    document.getElementById('main')?.focus({ preventScroll: true })
  }, [path])
}
