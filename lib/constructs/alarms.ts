import { Duration } from 'aws-cdk-lib'
import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import type { KindOf } from '../../src/contract/metrics.ts'
import type { Stage } from '../settings.ts'
import { countOf, countsOf, measureOf, sumOf, tableThrottles, type Watched } from './engine-metrics.ts'

export interface AlarmsProps {
  readonly stage: Stage
  readonly watched: Watched
  readonly topic: ITopic
}

/** One alarm. */
export interface AlarmChoice {
  readonly metric: IMetric
  readonly threshold: number
  /** Periods that are looked at, and how many of them must be over the threshold; 1 of 1 when absent. */
  readonly periods?: readonly [looked: number, over: number]
  /** The first thing to do, in a line. */
  readonly toDo: string
  /** Heading of docs/runbook.md, as a link spells it. */
  readonly section: string
  /** What no data mean. Counts are only told when there is something to count, so silence is good as a rule. */
  readonly silence?: TreatMissingData
  readonly comparison?: ComparisonOperator
}

const FIVE_MINUTES = Duration.minutes(5)
const QUARTER = Duration.minutes(15)
const HALF_HOUR = Duration.minutes(30)

/** Events that come late have the sweeper record a state now and then; this many in a quarter of an hour are another matter. */
const MANY_REPAIRS = 10
/** One may be a client's broken connection. */
const FEW_API_ERRORS = 3
/** A single one may be the task's own doing, such as a wish that no machine holds, or a machine that was lost. */
const HINDERED_RUNS = 3
/** Ends of runs that are the installation's fault when they come in numbers. */
const HINDRANCES: readonly KindOf<'RunsEnded'>[] = [
  'host-lost',
  'image-unavailable',
  'input-staging-failed',
  'output-staging-failed',
  'unschedulable',
]

/** What somebody should look at, each with a line that says what to do and a section of the runbook. */
export class Alarms extends Construct {
  private readonly topic: ITopic

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id)
    this.topic = props.topic
    this.watchEvents(props)
    this.watchWork(props)
    this.watchSweeper(props)
    this.watchServices(props)
  }

  private watchEvents({ watched }: AlarmsProps): void {
    for (const [name, queue] of Object.entries(watched.deadLetters)) {
      this.add(`DeadLetters${name}`, {
        metric: queue.metricApproximateNumberOfMessagesVisible({
          statistic: 'Maximum',
          period: FIVE_MINUTES,
        }),
        threshold: 1,
        toDo: 'An event could not be handled: read it in the queue, mend the cause, and send it again.',
        section: 'dead-letters',
      })
    }
  }

  private watchWork({ stage: { prefix: installation } }: AlarmsProps): void {
    this.add('ImportsFailed', {
      metric: countOf(installation, 'Imports', 'engine-error', FIVE_MINUTES),
      threshold: 1,
      toDo: 'An import failed through no fault of the bundle: find its error in the log of import-bundle, then upload again.',
      section: 'imports-failed',
    })
    this.add('RunsFailed', {
      metric: countOf(installation, 'RunsEnded', 'engine-error', FIVE_MINUTES),
      threshold: 1,
      toDo: 'A run failed through no fault of its task: find the run and its reason in the logs, then start it again.',
      section: 'runs-failed',
    })
    this.add('RunsHindered', {
      metric: sumOf(
        HINDRANCES.map((kind) => countOf(installation, 'RunsEnded', kind, QUARTER)),
        'runs without machine, image or files',
        QUARTER,
      ),
      threshold: HINDERED_RUNS,
      toDo: 'Several runs got no machine, image or files: see which of these fails, and start the runs again.',
      section: 'runs-hindered',
    })
  }

  private watchSweeper({ stage }: AlarmsProps): void {
    const { prefix: installation, runTimeoutHours, sweep } = stage
    this.add('Repairs', {
      metric: sumOf(countsOf(installation, 'Repairs', QUARTER), 'repairs', QUARTER),
      threshold: MANY_REPAIRS,
      toDo: 'The sweeper does what events should have done: see whether job events arrive and are recorded.',
      section: 'repairs',
    })
    this.add('StuckRuns', {
      metric: measureOf(installation, 'OldestActiveRunSeconds', 'Maximum', HALF_HOUR),
      // An active run changes at least this often.
      threshold: Math.ceil(runTimeoutHours * 3600) + sweep.stepLimitSeconds,
      toDo: 'A run has not moved for longer than any may take: find it and cancel it.',
      section: 'stuck-runs',
    })
    this.add('SweeperSilent', {
      metric: measureOf(installation, 'OldestActiveRunSeconds', 'SampleCount', HALF_HOUR),
      threshold: 1,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      toDo: 'Nobody looks after lost runs: see why sweep-runs is not called or fails.',
      section: 'sweeper-silent',
      // Here silence is what the alarm is about.
      silence: TreatMissingData.BREACHING,
    })
  }

  private watchServices({ watched }: AlarmsProps): void {
    const { restApi, stagerApi, functions, stateMachine, table } = watched
    const apiErrors = [...new Set([restApi, stagerApi])].map((api) =>
      api.metricServerError({ statistic: 'Sum', period: FIVE_MINUTES }),
    )
    this.add('ApiErrors', {
      metric: sumOf(apiErrors, 'answers with 5xx', FIVE_MINUTES),
      threshold: FEW_API_ERRORS,
      toDo: 'Callers or stagers get errors that are ours: find the requests in the log of api.',
      section: 'api-errors',
    })
    const throttles = Object.values(functions).map((one) =>
      one.metricThrottles({ statistic: 'Sum', period: FIVE_MINUTES }),
    )
    this.add('Throttles', {
      metric: sumOf(throttles, 'throttled calls', FIVE_MINUTES),
      threshold: 1,
      // A burst is taken by retries.
      periods: [3, 2],
      toDo: 'Functions are refused for lack of concurrency: see who uses it up, and have the quota raised.',
      section: 'throttles',
    })
    // Apart, because an alarm looks at ten metrics at most. API Gateway has none for its 429 alone.
    this.add('TableThrottles', {
      metric: tableThrottles(table, FIVE_MINUTES),
      threshold: 1,
      periods: [3, 2],
      toDo: 'The table refuses requests: see which run or task has so many, and whether it goes on.',
      section: 'throttles',
    })
    this.add('WorkflowsFailed', {
      metric: sumOf(
        [
          stateMachine.metricFailed({ period: FIVE_MINUTES }),
          stateMachine.metricTimedOut({ period: FIVE_MINUTES }),
        ],
        'workflows without a result',
        FIVE_MINUTES,
      ),
      threshold: 1,
      toDo: 'Not even the failure of a run could be recorded: see the execution, and what fail-run said.',
      section: 'workflows-failed',
    })
  }

  private add(id: string, choice: AlarmChoice): void {
    addAlarm(this, id, { ...choice, topic: this.topic })
  }
}

/** An alarm that tells the topic when it begins and when it ends. */
export function addAlarm(
  scope: Construct,
  id: string,
  choice: AlarmChoice & { readonly topic: ITopic },
): void {
  const [looked, over] = choice.periods ?? [1, 1]
  const alarm = new Alarm(scope, id, {
    metric: choice.metric,
    threshold: choice.threshold,
    evaluationPeriods: looked,
    datapointsToAlarm: over,
    comparisonOperator: choice.comparison ?? ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: choice.silence ?? TreatMissingData.NOT_BREACHING,
    alarmDescription: `${choice.toDo} docs/runbook.md#${choice.section}`,
  })
  alarm.addAlarmAction(new SnsAction(choice.topic))
  alarm.addOkAction(new SnsAction(choice.topic))
}
