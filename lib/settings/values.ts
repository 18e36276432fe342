import * as z from 'zod'

/* Schemas that several settings share. */

export const atLeastOne = z.int().min(1)
export const cidr = z.cidrv4('must be an IPv4 range').meta({ examples: ['10.64.0.0/16'] })
/** Id of an AWS resource, which begins with its kind. */
export const id = (prefix: string) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}-(?:[0-9a-f]{8}|[0-9a-f]{17})$`, 'u'), `must look like ${prefix}-0a1b2c3d`)
    .meta({ examples: [`${prefix}-0a1b2c3d`] })
/** Subnets by availability zone. */
export const subnets = z
  .record(z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d[a-z]$/u, 'must be an availability zone'), id('subnet'))
  .refine((byZone) => Object.keys(byZone).length >= 2, 'must have at least two availability zones')
  .meta({ examples: [{ 'eu-west-1a': 'subnet-0a1b2c3d', 'eu-west-1b': 'subnet-0a1b2c3e' }] })
/** ARN of a KMS key. An alias is not accepted, because policies name keys. */
export const keyArn = z
  .string()
  .regex(
    /^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key\/(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/u,
    'must be the ARN of a key, like arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-…',
  )
  .meta({ examples: ['arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f'] })
