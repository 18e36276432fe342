import type { ComponentType } from 'preact'
import { Loading } from '../ui/parts.tsx'
import { Problem } from '../ui/problem.tsx'
import { useData } from '../ui/use-data.ts'
import type { DrawProps } from './draw-view.tsx'
import type { ImageViewProps } from './image-view.tsx'
import type { ResultViewProps } from './result-view.tsx'

/*
 * The viewer, which is most of the page's code, is loaded when there is something to look at.
 */

function useLazy<Props>(
  name: string,
  load: () => Promise<ComponentType<Props>>,
): { View?: ComponentType<Props>; error: unknown } {
  const { data, error } = useData(async () => ({ View: await load() }), [name])
  return { ...(data === undefined ? {} : data), error }
}

export function LazyImage(props: ImageViewProps) {
  const { View, error } = useLazy('image', async () => (await import('./image-view.tsx')).ImageView)
  if (View === undefined)
    return error === undefined ? <Loading what="the viewer" /> : <Problem error={error} />
  return <View {...props} />
}

export function LazyDraw(props: DrawProps) {
  const { View, error } = useLazy('draw', async () => (await import('./draw-view.tsx')).DrawView)
  if (View === undefined)
    return error === undefined ? <Loading what="the viewer" /> : <Problem error={error} />
  return <View {...props} />
}

/** Begins to load the viewer of results, while their values are still on the way. */
export function preloadResult(): void {
  // The component loads it again when this has failed.
  import('./result-view.tsx').catch(() => undefined)
}

export function LazyResult(props: ResultViewProps) {
  const { View, error } = useLazy('result', async () => (await import('./result-view.tsx')).ResultView)
  if (View === undefined)
    return error === undefined ? <Loading what="the viewer" /> : <Problem error={error} />
  return <View {...props} />
}
