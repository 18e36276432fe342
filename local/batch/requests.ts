import * as z from 'zod'

/*
 * Request schemas of the Batch API operations that the service uses. Unknown members are kept, so that the
 * Describe calls return them unchanged.
 */

const keyValue = z.object({ name: z.string().min(1), value: z.string() })

export const containerSchema = z.looseObject({
  name: z.string().min(1).max(255),
  image: z.string().min(1),
  /** A container is essential by default. */
  essential: z.boolean().default(true),
  command: z.array(z.string()).default([]),
  dependsOn: z
    .array(z.object({ containerName: z.string(), condition: z.enum(['START', 'COMPLETE', 'SUCCESS']) }))
    .default([]),
  environment: z.array(keyValue).default([]),
  mountPoints: z
    .array(
      z.object({
        sourceVolume: z.string(),
        // Becomes part of a `source:target:options` argument, so a colon would change the meaning.
        containerPath: z.string().regex(/^\/[^:]*$/u, 'must be an absolute path without a colon'),
        readOnly: z.boolean().default(false),
      }),
    )
    .default([]),
  resourceRequirements: z
    .array(z.object({ type: z.enum(['VCPU', 'MEMORY', 'GPU']), value: z.string() }))
    .default([]),
  logConfiguration: z.object({ logDriver: z.string(), options: z.record(z.string(), z.string()) }).optional(),
})
export type Container = z.infer<typeof containerSchema>

const evaluateOnExitSchema = z.object({
  action: z.string().regex(/^(?:retry|exit)$/iu),
  onStatusReason: z.string().max(512).optional(),
  onReason: z.string().max(512).optional(),
  onExitCode: z.string().max(512).optional(),
})
export type EvaluateOnExit = z.infer<typeof evaluateOnExitSchema>

const retryStrategySchema = z.object({
  attempts: z.number().int().min(1).max(10).default(1),
  evaluateOnExit: z.array(evaluateOnExitSchema).max(5).default([]),
})
export type RetryStrategy = z.infer<typeof retryStrategySchema>

const tagsSchema = z.record(z.string().max(128), z.string().max(256))

export const registerJobDefinitionSchema = z.looseObject({
  jobDefinitionName: z.string().regex(/^[A-Za-z0-9_-]{1,128}$/u),
  type: z.literal('container'),
  platformCapabilities: z.tuple([z.literal('FARGATE')]),
  propagateTags: z.boolean().default(false),
  tags: tagsSchema.default({}),
  timeout: z.object({ attemptDurationSeconds: z.number().int().min(60) }).optional(),
  retryStrategy: retryStrategySchema.default({ attempts: 1, evaluateOnExit: [] }),
  ecsProperties: z.object({
    taskProperties: z.tuple([
      z.looseObject({
        containers: z.array(containerSchema).min(1),
        volumes: z.array(z.looseObject({ name: z.string().min(1) })).default([]),
      }),
    ]),
  }),
})
export type RegisterJobDefinition = z.infer<typeof registerJobDefinitionSchema>

export const describeJobDefinitionsSchema = z.object({
  jobDefinitions: z.array(z.string()).max(100).optional(),
  jobDefinitionName: z.string().optional(),
  status: z.string().optional(),
  maxResults: z.number().int().min(1).max(100).optional(),
  nextToken: z.string().optional(),
})

export const deregisterJobDefinitionSchema = z.object({ jobDefinition: z.string() })

export const submitJobSchema = z.looseObject({
  jobName: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/u),
  jobQueue: z.string().min(1),
  jobDefinition: z.string().min(1),
  shareIdentifier: z
    .string()
    .regex(/^[A-Za-z0-9]{1,255}$/u)
    .default('default'),
  dependsOn: z.array(z.unknown()).max(0, 'dependencies between jobs are not supported locally').optional(),
  arrayProperties: z.undefined('array jobs are not supported locally').optional(),
  tags: tagsSchema.default({}),
  timeout: z.object({ attemptDurationSeconds: z.number().int().min(60) }).optional(),
  retryStrategy: retryStrategySchema.optional(),
  containerOverrides: z.unknown().optional(),
  ecsPropertiesOverride: z
    .object({
      taskProperties: z
        .array(
          z.object({
            containers: z
              .array(
                z.object({
                  name: z.string(),
                  command: z.array(z.string()).optional(),
                  environment: z.array(keyValue).optional(),
                }),
              )
              .default([]),
          }),
        )
        .max(1)
        .default([]),
    })
    .optional(),
})
export type SubmitJob = z.infer<typeof submitJobSchema>

export const describeJobsSchema = z.object({ jobs: z.array(z.string()).max(100) })

export const listJobsSchema = z.object({
  jobQueue: z.string().min(1),
  jobStatus: z.string().default('RUNNING'),
  filters: z
    .array(z.object({ name: z.literal('JOB_NAME'), values: z.array(z.string()).max(1) }))
    .max(1)
    .optional(),
  maxResults: z.number().int().min(1).max(100).optional(),
  nextToken: z.string().optional(),
})

export const endJobSchema = z.object({ jobId: z.string(), reason: z.string().max(1024) })
