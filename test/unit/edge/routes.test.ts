import { describe, expect, it } from 'vitest'
import { findBodyRoute, isEvents, isInstallation, routeOf, runIdOf } from '../../../edge/routes.ts'
import { ROUTE_LIST } from '../../../lambdas/api/route-table.ts'

const BASE = '/app-engine/v1'

describe('routes with large bodies', () => {
  it.each([
    ['POST', '/tasks', { purpose: 'task', fileCount: 1, takesJson: false, isRepeatable: false }],
    ['POST', '//tasks?x=/y', { purpose: 'task' }],
    ['PUT', '/task-runs/1/input-provisions', { purpose: 'input', fileCount: 0 }],
    ['PUT', '/task-runs/1/input-provisions/a', { purpose: 'input', fileCount: 2, parameterName: 'a' }],
    ['POST', '/task-runs/1/input-provisions/a%20b', { takesJson: true, parameterName: 'a b' }],
    ['POST', '/task-runs/1/input-provisions/%', { parameterName: '%' }],
    ['PUT', '/task-runs/1/input-provisions/a/indexes?value=0/1', { fileCount: 2, parameterName: 'a' }],
    ['POST', '//task-runs/1//input-provisions/a/indexes?value=0', { fileCount: 2, parameterName: 'a' }],
  ])('%s %s is one', (method, path, route) => {
    expect(findBodyRoute(method, BASE + path)).toMatchObject(route)
  })

  it.each([
    ['GET', '/tasks'],
    ['PUT', '/tasks'],
    ['POST', '/tasks/a/1.0.0/install'],
    ['POST', '/task-runs/1/input-provisions'],
    ['GET', '/task-runs/1/input-provisions/a'],
    ['POST', '/task-runs/1/input-provisions/a/b'],
    ['POST', '/task-runs/1/state-actions'],
    ['POST', '/uploads'],
    ['POST', '/../tasks'],
  ])('%s %s is not one', (method, path) => {
    expect(findBodyRoute(method, BASE + path)).toBeUndefined()
  })

  it('are below the service’s own path only', () => {
    expect(findBodyRoute('POST', '/tasks')).toBeUndefined()
    expect(findBodyRoute('POST', '/app-engine/v10/tasks')).toBeUndefined()
  })
})

describe('installation from a store', () => {
  it('is a POST of one path', () => {
    expect(isInstallation('POST', `${BASE}//tasks/com.a/1.0.0/install?x=1`)).toBe(true)
    expect(isInstallation('GET', `${BASE}/tasks/com.a/1.0.0/install`)).toBe(false)
    expect(isInstallation('POST', `${BASE}/tasks/com.a/1.0.0/runs`)).toBe(false)
  })
})

describe('the stream of events', () => {
  it('is a GET of one path', () => {
    expect(isEvents('GET', `${BASE}//events?run=1`)).toBe(true)
    expect(isEvents('HEAD', `${BASE}/events`)).toBe(false)
    expect(isEvents('GET', `${BASE}/events/1`)).toBe(false)
    expect(isEvents('GET', '/events')).toBe(false)
  })
})

describe('a path in the log', () => {
  const run = '0f1e2d3c-4b5a-4697-8877-665544332211'

  it.each([
    ['/tasks?x=secret', '/tasks'],
    ['//task-runs//1/secret/outputs.zip', '/task-runs/*/*/outputs.zip'],
    ['/task-runs/1/input-provisions/secret/indexes?value=0', '/task-runs/*/input-provisions/*/indexes'],
    ['/uploads/1/part-urls', '/uploads/*/part-urls'],
    ['/secret#secret', '/*'],
    ['/a/b/c/d/e/f/g/h', '/*/*/*/*/*/*'],
  ])('%s is %s', (path, route) => {
    expect(routeOf(BASE + path)).toBe(route)
  })

  it('names every route of the API in logs', () => {
    const wrong = ROUTE_LIST.map(({ path }) => path.replaceAll(/:\w+/gu, '*')).filter(
      (path) => routeOf(BASE + path) !== path,
    )
    expect(wrong).toEqual([])
  })

  it('is masked as a whole outside of the service', () => {
    expect(routeOf('/secret')).toBe('*')
  })

  it('contains the run id, but no other segment', () => {
    expect(runIdOf(`${BASE}/task-runs/${run}/outputs`)).toBe(run)
    expect(runIdOf(`${BASE}/task-runs/${run}`)).toBe(run)
    expect(runIdOf(`${BASE}/task-runs/${run}f/outputs`)).toBeUndefined()
    expect(runIdOf(`${BASE}/tasks/${run}`)).toBeUndefined()
  })
})
