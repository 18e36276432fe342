import type { Context } from 'hono'

/** One line of the route table; the path is relative to the versioned prefix. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly handle: (context: Context) => Response | Promise<Response>
}

/** A path variable that the route's own path declares. */
export function pathVariable(context: Context, name: string): string {
  const value = context.req.param(name)
  if (value === undefined) throw new Error(`the route has no variable ${name}`)
  return value
}
