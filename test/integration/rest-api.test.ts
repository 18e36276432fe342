import { beforeAll, describe, expect, inject, it, vi } from 'vitest'
import * as z from 'zod'
import { REGION } from '../../local/aws-environment.ts'
import { packZip } from '../fixtures/bundle-builder.ts'
import { callAsRoot, createRestApi, restApiUrl } from '../fixtures/rest-api.ts'

/*
 * Binary bodies in a gateway with the `binaryMediaTypes` of the deployed API. The service accepts base64 but sends none, because a
 * gateway may fail to decode it (docs/adr/0011-answers-are-texts-or-redirects.md).
 */

const NO_TEXT = Buffer.from([0x00, 0xff, 0xfe, 0x80, 0x0a, 0x42])

/** Function that returns the bytes of its request. `x-base64` says whether they arrived in base64. */
const ECHO = `exports.handler = async ({ body, isBase64Encoded }) => ({
  statusCode: 200,
  headers: { 'content-type': 'application/octet-stream', 'x-base64': String(isBase64Encoded) },
  body: Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8').toString('base64'),
  isBase64Encoded: true,
})`

const functionSchema = z.object({ FunctionArn: z.string() })
const stateSchema = z.object({ Configuration: z.object({ State: z.string().default('Active') }) })

let url: string

/** Creates a function. @returns its ARN */
async function createFunction(name: string, code: string): Promise<string> {
  const emulatorUrl = inject('emulatorUrl')
  const zip = await packZip([{ name: 'index.js', body: code }])
  const path = '/2015-03-31/functions'
  const created = await callAsRoot(emulatorUrl, {
    service: 'lambda',
    method: 'POST',
    path,
    body: {
      FunctionName: name,
      Runtime: 'nodejs24.x',
      Role: 'arn:aws:iam::000000000000:role/none',
      Handler: 'index.handler',
      Code: { ZipFile: zip.toString('base64') },
    },
  })
  const isActive = async (): Promise<boolean> => {
    const found = await callAsRoot(emulatorUrl, { service: 'lambda', method: 'GET', path: `${path}/${name}` })
    return stateSchema.parse(JSON.parse(found)).Configuration.State === 'Active'
  }
  await vi.waitUntil(isActive, { timeout: 30_000 })
  return functionSchema.parse(JSON.parse(created)).FunctionArn
}

beforeAll(async () => {
  const functionArn = await createFunction('echo', ECHO)
  const apiId = await createRestApi(inject('emulatorUrl'), {
    binaryMediaTypes: ['*/*'],
    authorizationType: 'NONE',
    integration: {
      type: 'AWS_PROXY',
      httpMethod: 'POST',
      uri: `arn:aws:apigateway:${REGION}:lambda:path/2015-03-31/functions/${functionArn}/invocations`,
    },
  })
  url = `${restApiUrl(inject('emulatorUrl'), apiId)}/echo`
})

function send(accept: string): Promise<Response> {
  const headers = { 'content-type': 'application/octet-stream', accept }
  return fetch(url, { method: 'POST', headers, body: new Uint8Array(NO_TEXT) })
}

describe('a REST API with the binary media type */*', () => {
  it('passes bytes to its function as base64', async () => {
    const answer = await send('application/octet-stream')

    expect([answer.status, answer.headers.get('x-base64')]).toEqual([200, 'true'])
  })

  it.each(['application/octet-stream', 'image/png, */*'])(
    'decodes the base64 of its function for a client that accepts %s',
    async (accept) => {
      const answer = await send(accept)

      expect(Buffer.from(await answer.arrayBuffer())).toEqual(NO_TEXT)
    },
  )
})
