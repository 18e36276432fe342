import { describe, expect, it } from 'vitest'
import { routeOf, runIdOf } from '../../../edge/log-path.ts'
import { ROUTE_LIST } from '../../../lambdas/api/route-table.ts'
import { BASE_PATH as BASE } from '../../../src/contract/base-path.ts'

describe('the path in the log', () => {
  const run = '0f1e2d3c-4b5a-4697-8877-665544332211'

  it.each([
    ['/tasks?x=secret', '/tasks'],
    ['//task-runs//1/secret/outputs.zip', '/task-runs/*/*/outputs.zip'],
    ['/task-runs/1/input-provisions/secret/indexes?value=0', '/task-runs/*/input-provisions/*/indexes'],
    ['/uploads/1/part-urls', '/uploads/*/part-urls'],
    ['/secret#secret', '/*'],
    ['/a/b/c/d/e/f/g/h', '/*/*/*/*/*/*'],
  ])('shows %s as %s', (path, route) => {
    expect(routeOf(BASE + path)).toBe(route)
  })

  it('shows every route of the API', () => {
    const wrong = ROUTE_LIST.map(({ path }) => path.replaceAll(/:\w+/gu, '*')).filter(
      (path) => routeOf(BASE + path) !== path,
    )
    expect(wrong).toEqual([])
  })

  it('masks a path outside of the service completely', () => {
    expect(routeOf('/secret')).toBe('*')
  })

  it('shows the run id, but no other segment', () => {
    expect(runIdOf(`${BASE}/task-runs/${run}/outputs`)).toBe(run)
    expect(runIdOf(`${BASE}/task-runs/${run}`)).toBe(run)
    expect(runIdOf(`${BASE}/task-runs/${run}f/outputs`)).toBeUndefined()
    expect(runIdOf(`${BASE}/tasks/${run}`)).toBeUndefined()
  })
})
