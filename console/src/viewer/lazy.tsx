import type { ComponentType } from 'preact'
import { Loading } from '../ui/parts.tsx'
import { Problem } from '../ui/problem.tsx'
import { useData } from '../ui/use-data.ts'
import type { DrawProps } from './draw-view.tsx'
import type { ImageViewProps } from './image-view.tsx'
import type { ResultViewProps } from './result-view.tsx'

/* The viewer's code is loaded on first use, because it is most of the page's code. */

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

/** Starts to load the code of the result viewer, while the values are being loaded. */
export function preloadResult(): void {
  // After a failure, `LazyResult` loads it again.
  import('./result-view.tsx').catch(() => undefined)
}

export function LazyResult(props: ResultViewProps) {
  const { View, error } = useLazy('result', async () => (await import('./result-view.tsx')).ResultView)
  if (View === undefined)
    return error === undefined ? <Loading what="the viewer" /> : <Problem error={error} />
  return <View {...props} />
}
