import { afterEach, describe, expect, it, vi } from 'vitest'
import { createSigner, regionOf } from '../../../src/signing/sign-request.ts'
import { expectedSignature, readAuthorization } from '../../fixtures/verify-signature.ts'
import { aWebServer, closeWebServers } from '../../fixtures/web-server.ts'

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: SECRET }
const HOST = 'a1b2c3.execute-api.eu-west-1.amazonaws.com'
const BASE = '/api/app-engine/v1'

function aSigner(credentials: object = {}) {
  return createSigner({
    region: 'eu-west-1',
    credentials: async () => ({ ...CREDENTIALS, ...credentials }),
    now: () => new Date('2015-08-30T12:36:00Z'),
  })
}

describe('the verification in these tests', () => {
  // The test suite that AWS published for Signature Version 4: get-vanilla and get-vanilla-query-order-key-case.
  it.each([
    ['/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['/?Param2=value2&Param1=value1', 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500'],
  ])('agrees with the published signature of GET %s', (url, signature) => {
    const authorization =
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, ' +
      `SignedHeaders=host;x-amz-date, Signature=${signature}`
    const headers = { authorization, host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z' }

    expect(expectedSignature({ method: 'GET', url, headers }, SECRET)).toBe(signature)
  })
})

describe('the signer', () => {
  it.each([
    ['a plain path', 'GET', `${BASE}/tasks`, undefined],
    ['a body', 'PUT', `${BASE}/task-runs/1/input-provisions/a`, '{"value":"ü"}'],
    ['an empty body', 'POST', `${BASE}/tasks/x/1/runs`, ''],
    ['a space', 'GET', `${BASE}/task-runs/1/input/my parameter`, undefined],
    ['an encoded space', 'GET', `${BASE}/task-runs/1/input/my%20parameter`, undefined],
    ['an encoded slash', 'GET', `${BASE}/tasks/a%2Fb/1.0.0`, undefined],
    ['letters outside of ASCII', 'GET', `${BASE}/task-runs/1/input/größe%E2%82%AC`, undefined],
    ['sub-delimiters', 'GET', `${BASE}/task-runs/1/input/a(1)*!'$&+,;=:@`, undefined],
    ['double slashes', 'GET', `${BASE}//tasks`, undefined],
    ['a query', 'GET', `${BASE}/tasks?b=2&a=1&a=0&c&d=x%20y+z&%C3%BC=%2F`, undefined],
  ])('signs %s', async (_, method, path, text) => {
    const body = text === undefined ? undefined : Buffer.from(text)

    const signed = await aSigner()({ method, host: HOST, path, ...(body === undefined ? {} : { body }) })

    const arrived = { method, url: signed.path, headers: { host: HOST, ...signed.headers } }
    const { signature } = readAuthorization(signed.headers.authorization)
    expect(signature).toBe(expectedSignature({ ...arrived, body: body ?? new Uint8Array() }, SECRET))
  })

  it('encodes the path twice: for the request, and once more for the signature', async () => {
    const signed = await aSigner()({ method: 'GET', host: HOST, path: '/a b' })

    const headers = { host: HOST, ...signed.headers }
    const { signature } = readAuthorization(signed.headers.authorization)
    expect(signed.path).toBe('/a%20b')
    expect(signature).toBe(expectedSignature({ method: 'GET', url: '/a%20b', headers }, SECRET))
    expect(signature).not.toBe(expectedSignature({ method: 'GET', url: '/a b', headers }, SECRET))
  })

  it('signs no header except those of host, time and session', async () => {
    const signed = await aSigner({ sessionToken: 'session' })({ method: 'GET', host: HOST, path: '/' })

    const { scope, signedHeaders } = readAuthorization(signed.headers.authorization)
    expect(scope).toBe('20150830/eu-west-1/execute-api/aws4_request')
    expect(signedHeaders).toEqual(['host', 'x-amz-date', 'x-amz-security-token'])
    expect(Object.keys(signed.headers).sort()).toEqual([
      'authorization',
      'x-amz-date',
      'x-amz-security-token',
    ])
  })

  it('gets credentials for each request, so that renewed ones are used', async () => {
    const keys = ['FIRST', 'SECOND']
    const sign = createSigner({
      region: 'eu-west-1',
      credentials: async () => ({ ...CREDENTIALS, accessKeyId: keys.shift() ?? '' }),
    })

    const first = await sign({ method: 'GET', host: HOST, path: '/' })
    const second = await sign({ method: 'GET', host: HOST, path: '/' })

    expect(readAuthorization(first.headers.authorization).accessKeyId).toBe('FIRST')
    expect(readAuthorization(second.headers.authorization).accessKeyId).toBe('SECOND')
  })
})

describe('the credentials of a container', () => {
  afterEach(() => {
    closeWebServers()
    vi.unstubAllEnvs()
  })

  it('are cached while they are valid, and renewed before they expire', async () => {
    const secondsLeft = [60, 3600]
    let given = 0
    const { href } = await aWebServer((_, response) => {
      const Expiration = new Date(Date.now() + 1000 * (secondsLeft[given] ?? 0)).toISOString()
      given += 1
      response.end(
        JSON.stringify({ AccessKeyId: `AKID${given}`, SecretAccessKey: SECRET, Token: 't', Expiration }),
      )
    })
    // The environment's own keys and profile would take precedence.
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_PROFILE', 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI']) {
      vi.stubEnv(name, undefined)
    }
    for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, '/dev/null')
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', href)
    const sign = createSigner({ region: 'eu-west-1' })
    const keyOfNext = async (): Promise<string> =>
      readAuthorization((await sign({ method: 'GET', host: HOST, path: '/' })).headers.authorization)
        .accessKeyId

    const first = await keyOfNext()
    // The renewal is in the background, while the old ones are still valid.
    await vi.waitUntil(async () => (await keyOfNext()) === 'AKID2')
    const last = await keyOfNext()

    expect([first, last]).toEqual(['AKID1', 'AKID2'])
    expect(given).toBe(2)
  })
})

describe('the Region of an API', () => {
  it.each([
    ['a1b2.execute-api.eu-west-1.amazonaws.com', 'eu-west-1'],
    ['a1b2-vpce-0a.execute-api.us-gov-west-1.amazonaws.com', 'us-gov-west-1'],
    ['vpce-0a-1b.execute-api.eu-west-1.vpce.amazonaws.com', 'eu-west-1'],
    ['a1b2.execute-api.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
    ['app-engine.example.org', 'elsewhere-1'],
    ['a1.execute-api.eu-west-1.amazonaws.com.example.org', 'elsewhere-1'],
  ])('at %s is %s', (host, region) => {
    expect(regionOf(new URL(`https://${host}/api`), { AWS_REGION: 'elsewhere-1' })).toBe(region)
  })

  it('must be set when the host name does not contain it', () => {
    const find = () => regionOf(new URL('https://app-engine.example.org'), {})

    expect(find).toThrow(/set AWS_REGION/u)
  })
})
