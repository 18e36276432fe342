import { describe, expect, it } from 'vitest'
import { findBodyRoute, isEvents, isInstallation } from '../../../edge/routes.ts'

const BASE = '/app-engine/v1'

describe('the routes with large bodies', () => {
  it.each([
    ['POST', '/tasks', { purpose: 'task', fileCount: 1, takesJson: false, isRepeatable: false }],
    ['POST', '//tasks?x=/y', { purpose: 'task' }],
    ['PUT', '/task-runs/1/input-provisions', { purpose: 'input', fileCount: 0 }],
    ['PUT', '/task-runs/1/input-provisions/a', { purpose: 'input', fileCount: 2, parameterName: 'a' }],
    ['POST', '/task-runs/1/input-provisions/a%20b', { takesJson: true, parameterName: 'a b' }],
    ['POST', '/task-runs/1/input-provisions/%', { parameterName: '%' }],
    ['PUT', '/task-runs/1/input-provisions/a/indexes?value=0/1', { fileCount: 2, parameterName: 'a' }],
    ['POST', '//task-runs/1//input-provisions/a/indexes?value=0', { fileCount: 2, parameterName: 'a' }],
  ])('include %s %s', (method, path, route) => {
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
  ])('do not include %s %s', (method, path) => {
    expect(findBodyRoute(method, BASE + path)).toBeUndefined()
  })

  it('are only below the service’s own path', () => {
    expect(findBodyRoute('POST', '/tasks')).toBeUndefined()
    expect(findBodyRoute('POST', '/app-engine/v10/tasks')).toBeUndefined()
  })
})

describe('installation from a store', () => {
  it('is requested by POST of exactly …/tasks/NAMESPACE/VERSION/install', () => {
    expect(isInstallation('POST', `${BASE}//tasks/com.a/1.0.0/install?x=1`)).toBe(true)
    expect(isInstallation('GET', `${BASE}/tasks/com.a/1.0.0/install`)).toBe(false)
    expect(isInstallation('POST', `${BASE}/tasks/com.a/1.0.0/runs`)).toBe(false)
  })
})

describe('the stream of live updates', () => {
  it('is requested by GET of exactly /app-engine/v1/events', () => {
    expect(isEvents('GET', `${BASE}//events?run=1`)).toBe(true)
    expect(isEvents('HEAD', `${BASE}/events`)).toBe(false)
    expect(isEvents('GET', `${BASE}/events/1`)).toBe(false)
    expect(isEvents('GET', '/events')).toBe(false)
  })
})
