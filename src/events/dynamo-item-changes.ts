import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { unmarshall } from '@aws-sdk/util-dynamodb'
import { keyOf } from '../aws/dynamo-table.ts'
import type { ItemChange } from './item-change.ts'

type Image = Record<string, AttributeValue>

/** Record of the table's stream, as Lambda passes it on. */
export interface ChangeRecord {
  readonly eventID?: string | undefined
  readonly dynamodb?:
    | {
        /** `unknown`, because the types of the SDK and of Lambda's events declare binaries differently. */
        readonly Keys?: unknown
        readonly OldImage?: unknown
        readonly NewImage?: unknown
        readonly SequenceNumber?: string | undefined
        readonly ApproximateCreationDateTime?: number | undefined
      }
    | undefined
}

/** Decodes a record of a stream with old and new images. */
export function decodeChange({ eventID, dynamodb = {} }: ChangeRecord): ItemChange {
  const { Keys = {}, OldImage, NewImage, SequenceNumber, ApproximateCreationDateTime = 0 } = dynamodb
  if (eventID === undefined || SequenceNumber === undefined) throw new Error('the record has no id')
  return {
    id: eventID,
    key: keyOf(unmarshall(Keys as Image)),
    ...(OldImage !== undefined && { before: unmarshall(OldImage as Image) }),
    ...(NewImage !== undefined && { after: unmarshall(NewImage as Image) }),
    sequence: SequenceNumber,
    at: new Date(ApproximateCreationDateTime * 1000),
  }
}
