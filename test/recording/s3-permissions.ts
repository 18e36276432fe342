import { type NeededPermission, type SentRequest, unknown } from './needed-permission.ts'

function objectOf(path: string): { readonly bucket: string; readonly key: string } {
  const [bucket = '', ...key] = decodeURIComponent(path.replace(/^\//u, '')).split('/')
  return { bucket, key: key.join('/') }
}

/** Operations on objects by method and by the key in the query. */
const S3_ACTIONS: Readonly<Record<string, string>> = {
  'GET ': 'GetObject',
  'HEAD ': 'GetObject',
  'PUT ': 'PutObject',
  'DELETE ': 'DeleteObject',
  'POST uploads': 'PutObject',
  'PUT uploadId': 'PutObject',
  'POST uploadId': 'PutObject',
  'DELETE uploadId': 'AbortMultipartUpload',
  'GET uploadId': 'ListMultipartUploadParts',
}
/** Parameters of the query that select no other operation. */
const S3_DETAILS = /^(x-id|x-amz-.*|response-.*|partNumber|part-number-marker|max-parts)$/iu
/** Headers of a PUT that require permissions in addition to its method. */
const S3_HEADERS: Readonly<Record<string, string>> = {
  'x-amz-acl': 'PutObjectAcl',
  'x-amz-tagging': 'PutObjectTagging',
}

/** Permissions of a request to S3. */
export function neededOfS3({ method, url, headers, body = '' }: SentRequest): readonly NeededPermission[] {
  const { bucket, key } = objectOf(url.pathname)
  const query = url.searchParams
  const bucketArn = `arn:aws:s3:::${bucket}`
  const object = (action: string, name = key): NeededPermission => ({
    action: `s3:${action}`,
    resource: `${bucketArn}/${name}`,
  })
  if (key === '' && method === 'GET' && query.has('list-type')) {
    const context = { 's3:prefix': query.get('prefix') ?? '' }
    return [{ action: 's3:ListBucket', resource: bucketArn, context }]
  }
  if (key === '' && method === 'POST' && query.has('delete')) {
    const keys = body.matchAll(/<Key>([^<]*)<\/Key>/gu)
    return [...keys].map(([, name]) => object('DeleteObject', fromXml(name ?? '')))
  }
  const selected = [...query.keys()].filter((name) => !S3_DETAILS.test(name)).sort()
  const action = key === '' ? undefined : S3_ACTIONS[`${method} ${selected.join('&')}`]
  if (action === undefined) return unknown(`s3:${method} ${key === '' ? 'bucket' : 'object'} ${selected}`)
  const source = headers['x-amz-copy-source']
  const from = source === undefined ? undefined : objectOf(source)
  const further = Object.entries(S3_HEADERS).filter(([name]) => headers[name] !== undefined)
  return [
    ...(from === undefined
      ? []
      : [{ action: 's3:GetObject', resource: `arn:aws:s3:::${from.bucket}/${from.key}` }]),
    ...(from !== undefined && copiesTags(headers, selected)
      ? [
          { action: 's3:GetObjectTagging', resource: `arn:aws:s3:::${from.bucket}/${from.key}` },
          object('PutObjectTagging'),
        ]
      : []),
    object(action),
    ...further.map(([, other]) => object(other)),
  ]
}

/** S3 copies the tags of an object by default; parts have none. */
function copiesTags(headers: SentRequest['headers'], selected: readonly string[]): boolean {
  return selected.length === 0 && headers['x-amz-tagging-directive'] !== 'REPLACE'
}

function fromXml(text: string): string {
  const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }
  return text.replaceAll(/&(\w+);/gu, (_all, name: string) => NAMED[name] ?? '')
}

/**
 * Additional permission when an object is missing. Without the permission to list the whole bucket, S3 answers 403 instead of
 * 404, and the adapter lists the key. https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 */
export function neededOfS3ForNotFound({ method, url }: SentRequest): readonly NeededPermission[] {
  if (!['GET', 'HEAD'].includes(method)) return []
  const { bucket, key } = objectOf(url.pathname)
  return [{ action: 's3:ListBucket', resource: `arn:aws:s3:::${bucket}`, context: { 's3:prefix': key } }]
}
