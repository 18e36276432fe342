import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createApp } from '../../../lambdas/api/app.ts'
import { openApiText } from '../../../lambdas/api/openapi/document.ts'
import { checkAnswer, openApiDocument as document } from '../../fixtures/answer-checker.ts'
import { RUN_ID } from '../../fixtures/builders.ts'
import { anEngine } from '../../fixtures/engine.ts'

const BASE = '/app-engine/v1'

describe('the OpenAPI document', () => {
  const references = new Set(
    [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/gu)].map((match) => match[1] ?? ''),
  )
  const operations = () =>
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    )

  it('describes every route of the API and nothing else', async () => {
    const files = { page: () => expect.fail(), asset: () => undefined }
    const console = { mode: 'full', files } as const
    // Files of the console are not operations.
    const isFile = (path: string): boolean => /\/ui(?:\/|\/assets\/.*)?$/u.test(path)
    const routes = createApp({ ...(await anEngine()), console })
      .routes.filter(({ method, path }) => method !== 'ALL' && !isFile(path))
      .map(({ method, path }) => `${method} ${path.replace(BASE, '').replace(/:(\w+)/gu, '{$1}')}`)

    const served = [...new Set(routes)]
    const described = operations().map(({ path, method }) => `${method.toUpperCase()} ${path}`)

    expect(described.sort()).toEqual(served.sort())
  })

  it('is committed in its generated form', () => {
    const committed = readFileSync(join(import.meta.dirname, '../../../docs/openapi.yaml'), 'utf8')

    expect(committed === openApiText(), 'docs/openapi.yaml is out of date: run `npm run openapi`').toBe(true)
  })

  it('declares OpenAPI 3.1', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/u)
    expect(document.info).toMatchObject({ title: expect.any(String), version: expect.any(String) })
  })

  it('refers to its own components only, and to each of them', () => {
    const components = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`)

    expect([...references].sort()).toEqual(components.sort())
  })

  it('declares every variable of every path, and no other', () => {
    for (const { path, operation } of operations()) {
      const declared = (operation.parameters ?? []).filter((one) => one.in === 'path').map(({ name }) => name)
      expect(declared, path).toEqual([...path.matchAll(/\{(\w+)\}/gu)].map((match) => match[1]))
    }
  })

  it('has a unique id for every operation', () => {
    const ids = operations().map(({ operation }) => operation.operationId)

    expect(new Set(ids).size).toBe(ids.length)
  })

  it('has a description of every response', () => {
    const answers = operations().flatMap(({ operation }) => Object.values(operation.responses))

    expect(
      answers.filter(({ description }) => typeof description !== 'string' || description === ''),
    ).toEqual([])
  })

  it('has two keys in every 403 and three in every other error', () => {
    for (const { path, operation } of operations()) {
      for (const [status, { content }] of Object.entries(operation.responses)) {
        if (Number(status) < 400) continue
        const name = status === '403' ? 'TwoKeyError' : 'Error'
        expect(content?.['application/json']?.schema, path).toEqual({ $ref: `#/components/schemas/${name}` })
      }
    }
  })

  it('maps each value of a discriminator to the schema with this value', () => {
    const { schemas } = document.components
    const unions = Object.values(schemas).filter((schema) => 'discriminator' in schema) as {
      discriminator: { propertyName: string; mapping: Record<string, string> }
      oneOf: { $ref: string }[]
    }[]

    expect(unions.length).toBe(3)
    for (const { discriminator, oneOf } of unions) {
      const { propertyName, mapping } = discriminator
      expect(Object.values(mapping)).toEqual(oneOf.map(({ $ref }) => $ref))
      for (const [tag, reference] of Object.entries(mapping)) {
        expect(schemas[reference.split('/').at(-1) ?? '']).toMatchObject({
          properties: { [propertyName]: { const: tag } },
          required: expect.arrayContaining([propertyName]),
        })
      }
    }
  })
})

describe('the check of responses against the OpenAPI document', () => {
  const url = `${BASE}/task-runs/${RUN_ID}/inputs`
  const value = { taskRunId: RUN_ID, parameterName: 'a', type: 'INTEGER', value: 1 }

  it('accepts a described response', async () => {
    await expect(checkAnswer('GET', url, Response.json([value]))).resolves.toBeUndefined()
  })

  it.each([
    ['a status', 'GET', url, Response.json([], { status: 201 })],
    ['a media type', 'GET', url, new Response('[]', { headers: { 'content-type': 'text/html' } })],
    ['a key', 'GET', url, Response.json([{ ...value, extra: 1 }])],
    [
      'a key of the responses to the stager',
      'GET',
      `${BASE}/task-runs/${RUN_ID}/staging/inputs`,
      Response.json({ files: [{ path: 'a', content: { kind: 'inline', text: '1', extra: 1 } }] }),
    ],
    ['a missing key', 'GET', url, Response.json([{ ...value, value: undefined }])],
    ['a value of another type', 'GET', url, Response.json([{ ...value, value: 'one' }])],
    [
      'an array without the type of its items',
      'GET',
      url,
      Response.json([{ ...value, type: 'ARRAY', value: [] }]),
    ],
    ['a body', 'DELETE', `${BASE}/task-runs/${RUN_ID}`, Response.json({})],
    ['a path', 'GET', `${BASE}/nothing`, Response.json({})],
    ['a method', 'PATCH', url, Response.json({})],
  ])('detects a response that differs from the document in %s', async (_, method, path, response) => {
    await expect(checkAnswer(method, path, response)).rejects.toThrow(`${method} ${path}`)
  })
})
