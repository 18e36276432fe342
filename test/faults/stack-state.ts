import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import {
  BatchClient,
  DescribeJobsCommand,
  type JobDetail,
  type JobStatus,
  ListJobsCommand,
} from '@aws-sdk/client-batch'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import {
  DynamoDBDocumentClient,
  QueryCommand,
  type QueryCommandOutput,
  ScanCommand,
  type ScanCommandOutput,
} from '@aws-sdk/lib-dynamodb'
import type { LocalStack } from '../../local/stack.ts'
import {
  ACTIVE_RUNS,
  REMOVED_RUN_SETS,
  RUNS_IN_REMOVAL,
  TASKS_IN_REMOVAL,
  UNFINISHED_RUN_SETS,
} from '../../src/aws/dynamo-table.ts'
import { createS3ObjectStore } from '../../src/aws/s3-object-store.ts'
import { TABLE } from '../../src/contract/environment.ts'
import { parseJobName } from '../../src/run/job/job-definition.ts'
import { createSfnRunWorkflow } from '../../src/run/sfn-run-workflow.ts'
import { pagesOf } from '../../src/shared/pages.ts'

/** Traces of runs in the services of a stack, read without the API. */
export interface StackState {
  /** Runs and run sets with items in the table, by id. `isActive`: whether the sweeper's index contains it. */
  readonly tableRuns: ReadonlyMap<string, { readonly isActive: boolean }>
  /** Jobs by run, oldest first. */
  readonly jobs: ReadonlyMap<string, readonly JobDetail[]>
  readonly runningExecutions: readonly string[]
  /** Keys of objects, by the id of the run or run set. */
  readonly objects: ReadonlyMap<string, readonly string[]>
  readonly containers: readonly string[]
  /** Command lines of the stagers, which the local stage runs as processes. */
  readonly stagers: readonly string[]
}

type Key = Record<string, unknown>

const QUEUE = 'app-engine-local'
/** Maximum number of ids in one call of DescribeJobs. */
const MAX_IDS = 100
const LIVE = ['SUBMITTED', 'PENDING', 'RUNNABLE', 'STARTING', 'RUNNING'] as const
const ENDED = ['SUCCEEDED', 'FAILED'] as const
const RUN_OF_KEY = /^task-run-(?:inputs|outputs|set)-([0-9a-f-]{36})\//u
const local = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }

/** Creates functions that read the state of a stack. Its fault injection must be off, except for `countActive`. */
export function createStateReader(stack: LocalStack) {
  const emulator = { ...local, endpoint: stack.emulatorUrl }
  const batch = new BatchClient({ ...local, endpoint: stack.batchUrl })
  const table = DynamoDBDocumentClient.from(new DynamoDBClient(emulator))
  const bucket = new S3Client({ ...local, endpoint: stack.storageUrl, forcePathStyle: true })
  const workflow = new SFNClient(emulator)

  async function listIds(statuses: readonly JobStatus[]): Promise<string[]> {
    const ids: string[] = []
    for (const jobStatus of statuses) {
      const pages = pagesOf(
        (nextToken) => batch.send(new ListJobsCommand({ jobQueue: QUEUE, jobStatus, nextToken })),
        ({ nextToken }) => nextToken,
      )
      for await (const { jobSummaryList = [] } of pages) {
        ids.push(...jobSummaryList.flatMap(({ jobId }) => jobId ?? []))
      }
    }
    return ids
  }

  async function listJobs(): Promise<Map<string, JobDetail[]>> {
    const ids = await listIds([...LIVE, ...ENDED])
    const found = new Map<string, JobDetail[]>()
    for (let start = 0; start < ids.length; start += MAX_IDS) {
      const jobIds = ids.slice(start, start + MAX_IDS)
      const { jobs = [] } = await batch.send(new DescribeJobsCommand({ jobs: jobIds }))
      for (const job of jobs) add(found, parseJobName(job.jobName ?? '')?.runId, job)
    }
    for (const jobs of found.values())
      jobs.sort((one, other) => (one.createdAt ?? 0) - (other.createdAt ?? 0))
    return found
  }

  /** Counts the items in a partition of the sweeper's index: active runs, or unfinished removals. */
  async function countIndexed(partition: string): Promise<number> {
    const { name, partitionKey } = TABLE.unfinishedIndex
    const query = {
      TableName: stack.outputs.tableName,
      IndexName: name,
      Select: 'COUNT',
      KeyConditionExpression: '#active = :active',
      ExpressionAttributeNames: { '#active': partitionKey },
      ExpressionAttributeValues: { ':active': partition },
    } as const
    let sum = 0
    const pages = pagesOf<QueryCommandOutput, Key>(
      (ExclusiveStartKey) => table.send(new QueryCommand({ ...query, ExclusiveStartKey })),
      ({ LastEvaluatedKey }) => LastEvaluatedKey,
    )
    for await (const { Count = 0 } of pages) sum += Count
    return sum
  }

  async function countActive(): Promise<number> {
    const counts = await Promise.all(ACTIVE_RUNS.map(countIndexed))
    return counts.reduce((sum, count) => sum + count, 0)
  }

  async function listTableRuns(): Promise<StackState['tableRuns']> {
    const { partitionKey } = TABLE
    const isActive = TABLE.unfinishedIndex.partitionKey
    const found = new Map<string, { isActive: boolean }>()
    const query = { TableName: stack.outputs.tableName, ConsistentRead: true }
    const pages = pagesOf<ScanCommandOutput, Key>(
      (ExclusiveStartKey) => table.send(new ScanCommand({ ...query, ExclusiveStartKey })),
      ({ LastEvaluatedKey }) => LastEvaluatedKey,
    )
    for await (const { Items = [] } of pages) {
      for (const item of Items) {
        const id = /^RUN(?:SET)?#(.+)$/u.exec(String(item[partitionKey]))?.[1]
        if (id === undefined) continue
        found.set(id, { isActive: item[isActive] !== undefined || found.get(id)?.isActive === true })
      }
    }
    return found
  }

  async function listExecutions(): Promise<string[]> {
    const { stateMachineArn } = stack.outputs
    return await Array.fromAsync(createSfnRunWorkflow({ client: workflow, stateMachineArn }).listRunning())
  }

  async function listObjects(): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>()
    const objects = createS3ObjectStore({ client: bucket, bucketName: stack.outputs.bucketName })
    for await (const { key } of objects.list('')) add(found, RUN_OF_KEY.exec(key)?.[1], key)
    return found
  }

  return {
    countActive,
    isQuiet: async (): Promise<boolean> =>
      (await countActive()) === 0 &&
      (await countIndexed(RUNS_IN_REMOVAL)) === 0 &&
      (await countIndexed(TASKS_IN_REMOVAL)) === 0 &&
      (await countIndexed(UNFINISHED_RUN_SETS)) === 0 &&
      (await countIndexed(REMOVED_RUN_SETS)) === 0 &&
      (await listIds(LIVE)).length === 0 &&
      (await listExecutions()).length === 0,
    look: async (): Promise<StackState> => ({
      tableRuns: await listTableRuns(),
      jobs: await listJobs(),
      runningExecutions: await listExecutions(),
      objects: await listObjects(),
      containers: await stack.engine.listContainers(),
      stagers: await listStagers(stack),
    }),
  }
}

/** Lists the stagers among the children of the Batch server. */
async function listStagers({ batchPid }: LocalStack): Promise<string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'args=', '--ppid', String(batchPid())]).catch(
    // ps exits with 1 when there are none.
    () => ({ stdout: '' }),
  )
  return stdout.split('\n').filter((line) => line.includes('stager.mjs'))
}

function add<Value>(found: Map<string, Value[]>, runId: string | undefined, value: Value): void {
  if (runId !== undefined) found.set(runId, [...(found.get(runId) ?? []), value])
}
