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

export interface AlarmChoice {
  readonly metric: IMetric
  readonly threshold: number
  /** Number of periods, and how many of them must breach the threshold; 1 of 1 when absent. */
  readonly periods?: readonly [periods: number, breaching: number]
  /** First step after the alarm, in one line. */
  readonly toDo: string
  /** Anchor of a heading in docs/runbook.md. */
  readonly section: string
  /** Counts without events have no data, so missing data do not breach by default. */
  readonly missingData?: TreatMissingData
  readonly comparison?: ComparisonOperator
}

const FIVE_MINUTES = Duration.minutes(5)
const QUARTER = Duration.minutes(15)
const HALF_HOUR = Duration.minutes(30)

/** The alarm is raised when a change of this age was not sent as an event; usually changes are sent within a second. */
const LATEST_EVENT = QUARTER

/** CloudWatch's limit. */
const MAX_ALARM_METRICS = 10
/** The sweeper records a state occasionally because of late events. This many in 15 minutes indicate a fault. */
const MANY_REPAIRS = 10
/** Number of errors at which the alarm is raised. A single one may be a client's broken connection. */
const FEW_API_ERRORS = 3
/** A single run may fail because of its task, for example by requiring too large a machine, or by the loss of a machine. */
const MANY_FAILED_RUNS = 3
/** Kinds of failures that point to the installation when several runs have them. */
const INSTALLATION_FAILURES: readonly KindOf<'RunsEnded'>[] = [
  'host-lost',
  'image-unavailable',
  'input-staging-failed',
  'output-staging-failed',
  'unschedulable',
]

/** Alarms of an installation. Each description names the first action and a section of the runbook. */
export class Alarms extends Construct {
  private readonly topic: ITopic

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id)
    this.topic = props.topic
    this.watchEvents(props)
    this.watchLateEvents(props)
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
        toDo: 'An event could not be handled: read it in the queue, fix the cause, and send it again.',
        section: 'dead-letters',
      })
    }
  }

  private watchLateEvents({ watched }: AlarmsProps): void {
    const publisher = watched.functions['publish-events']
    if (publisher === undefined) return
    this.add('EventsLate', {
      metric: publisher.metric('IteratorAge', { statistic: 'Maximum', period: FIVE_MINUTES }),
      threshold: LATEST_EVENT.toMilliseconds(),
      toDo: 'State changes wait in the stream of the table: find out why publish-events fails or is throttled.',
      section: 'events-late',
    })
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
        INSTALLATION_FAILURES.map((kind) => countOf(installation, 'RunsEnded', kind, QUARTER)),
        'runs without machine, image or files',
        QUARTER,
      ),
      threshold: MANY_FAILED_RUNS,
      toDo: 'Several runs got no machine, image or files: find out which of these fails, and start the runs again.',
      section: 'runs-hindered',
    })
  }

  private watchSweeper({ stage }: AlarmsProps): void {
    const { prefix: installation, runTimeoutHours, sweep } = stage
    this.add('Repairs', {
      metric: sumOf(countsOf(installation, 'Repairs', QUARTER), 'repairs', QUARTER),
      threshold: MANY_REPAIRS,
      toDo: 'The sweeper repairs runs whose events were lost: check whether job events arrive and are recorded.',
      section: 'repairs',
    })
    this.add('StuckRuns', {
      metric: measureOf(installation, 'OldestActiveRunSeconds', 'Maximum', HALF_HOUR),
      // An active run changes at least this often.
      threshold: Math.ceil(runTimeoutHours * 3600) + sweep.stepLimitSeconds,
      toDo: 'A run has not changed for longer than the limit of a run: find it and cancel it.',
      section: 'stuck-runs',
    })
    this.add('SweeperSilent', {
      metric: measureOf(installation, 'OldestActiveRunSeconds', 'SampleCount', HALF_HOUR),
      threshold: 1,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      toDo: 'Lost runs are not repaired: find out why sweep-runs is not called or fails.',
      section: 'sweeper-silent',
      // Missing data is the condition itself.
      missingData: TreatMissingData.BREACHING,
    })
  }

  private watchServices({ watched }: AlarmsProps): void {
    const { restApi, stagerApi, functions, stateMachines, table } = watched
    const apiErrors = [...new Set([restApi, stagerApi])].map((api) =>
      api.metricServerError({ statistic: 'Sum', period: FIVE_MINUTES }),
    )
    this.add('ApiErrors', {
      metric: sumOf(apiErrors, 'responses with 5xx', FIVE_MINUTES),
      threshold: FEW_API_ERRORS,
      toDo: 'Callers or stagers get errors of the service: find the requests in the log of api.',
      section: 'api-errors',
    })
    const throttles = Object.values(functions).map((one) =>
      one.metricThrottles({ statistic: 'Sum', period: FIVE_MINUTES }),
    )
    for (let start = 0; start < throttles.length; start += MAX_ALARM_METRICS) {
      this.add(start === 0 ? 'Throttles' : `Throttles${start / MAX_ALARM_METRICS + 1}`, {
        metric: sumOf(throttles.slice(start, start + MAX_ALARM_METRICS), 'throttled calls', FIVE_MINUTES),
        threshold: 1,
        // Retries absorb a burst.
        periods: [3, 2],
        toDo: 'Lambda throttles functions: find out which function uses up the concurrency, and request a higher quota.',
        section: 'throttles',
      })
    }
    // A separate alarm, because of the limit of metrics. API Gateway has no metric for 429 alone.
    this.add('TableThrottles', {
      metric: tableThrottles(table, FIVE_MINUTES),
      threshold: 1,
      periods: [3, 2],
      toDo: 'DynamoDB throttles requests: find out which run or task sends so many, and whether it continues.',
      section: 'throttles',
    })
    this.add('WorkflowsFailed', {
      metric: sumOf(
        stateMachines.flatMap((machine) => [
          machine.metricFailed({ period: FIVE_MINUTES }),
          machine.metricTimedOut({ period: FIVE_MINUTES }),
        ]),
        'workflows without a result',
        FIVE_MINUTES,
      ),
      threshold: 1,
      toDo: 'The failure of a run could not be recorded, or a run set could not be processed: see the execution, and the logs of fail-run and work-on-run-set.',
      section: 'workflows-failed',
    })
  }

  private add(id: string, choice: AlarmChoice): void {
    addAlarm(this, id, { ...choice, topic: this.topic })
  }
}

/** Adds an alarm that notifies the topic when it starts and when it ends. */
export function addAlarm(
  scope: Construct,
  id: string,
  choice: AlarmChoice & { readonly topic: ITopic },
): void {
  const [periods, breaching] = choice.periods ?? [1, 1]
  const alarm = new Alarm(scope, id, {
    metric: choice.metric,
    threshold: choice.threshold,
    evaluationPeriods: periods,
    datapointsToAlarm: breaching,
    comparisonOperator: choice.comparison ?? ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: choice.missingData ?? TreatMissingData.NOT_BREACHING,
    alarmDescription: `${choice.toDo} docs/runbook.md#${choice.section}`,
  })
  alarm.addAlarmAction(new SnsAction(choice.topic))
  alarm.addOkAction(new SnsAction(choice.topic))
}
