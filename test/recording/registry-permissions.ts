import { type Caller, type NeededPermission, type SentRequest, unknown } from './needed-permission.ts'

/**
 * Operations of the distribution protocol, which ECR authorizes by the actions of its own API.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
 */
export function neededOfRegistry(
  { method, url }: SentRequest,
  { region, account }: Caller,
): readonly NeededPermission[] {
  if (url.pathname === '/v2/') return []
  const [, name = '', kind = '', rest = ''] =
    /^\/v2\/(.+)\/(blobs|manifests)\/(.+)$/u.exec(url.pathname) ?? []
  const on = (repository: string, ...actions: readonly string[]) =>
    actions.map((action) => ({
      action: `ecr:${action}`,
      resource: `arn:aws:ecr:${region}:${account}:repository/${repository}`,
    }))
  // `blobs/uploads/` is part of the name, because the pattern above matches the path of an upload in progress.
  const upload = /^\/v2\/(.+)\/blobs\/uploads\/?/u.exec(url.pathname)?.[1]
  if (upload !== undefined) {
    if (method === 'PATCH') return on(upload, 'UploadLayerPart')
    if (method === 'PUT') return on(upload, 'UploadLayerPart', 'CompleteLayerUpload')
    // ECR has no action for cancelling an upload. Abandoned uploads expire, and no caller depends on the response.
    if (method === 'DELETE') return []
    if (method !== 'POST') return unknown(`ecr:${method} upload`)
    // A mount reads the layer from the named repository, or from the one that the registry finds.
    const from = url.searchParams.get('from') ?? upload
    const isMount = url.searchParams.has('mount')
    const source = isMount ? on(from, 'BatchCheckLayerAvailability', 'GetDownloadUrlForLayer') : []
    return [...source, ...on(upload, 'InitiateLayerUpload')]
  }
  const action = REGISTRY_ACTIONS[`${method} ${kind}`]
  return action === undefined ? unknown(`ecr:${method} ${kind} ${rest}`) : on(name, action)
}

const REGISTRY_ACTIONS: Readonly<Record<string, string>> = {
  'HEAD blobs': 'BatchCheckLayerAvailability',
  'GET blobs': 'GetDownloadUrlForLayer',
  'HEAD manifests': 'BatchGetImage',
  'GET manifests': 'BatchGetImage',
  'PUT manifests': 'PutImage',
  'DELETE manifests': 'BatchDeleteImage',
}
