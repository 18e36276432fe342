import * as z from 'zod'
import { isNamespace, isSemver, NAME_PATTERNS } from '../../contract/names.ts'
import { DEFAULT_FOLDERS } from '../../contract/staging.ts'
import { must, mustMessage } from './descriptor-problem.ts'
import { FOLDER_RULE, isMountable, normalizeFolder } from './folders.ts'
import { keysOf } from './known-keys.ts'
import { memoryBytes } from './parameter-type-schema.ts'

const MAX_DESCRIPTION_CHARACTERS = 2048

/** Names the format of descriptors, as Cytomine's documentation writes it. */
export const OFFICIAL_SCHEMA = 'https://cytomine.com/schema-store/tasks/task.v0.json'

/** Display names of tasks: 3 to 30 of these characters. */
const NAME = /^[a-zA-Z0-9_\s-]{3,30}$/u

function text(expected: string, isAccepted: (value: string) => boolean = () => true) {
  return z.string(must(expected)).refine(isAccepted, must(expected))
}

const mapping = must('a mapping')

function folder(of: string) {
  const meta = { description: `Where the ${of} are in the container: ${FOLDER_RULE}.`, pattern: '^/[^:]*$' }
  return text(FOLDER_RULE, isMountable).meta(meta).transform(normalizeFolder)
}

function count(minimum: number, description: string) {
  const expected = `an integer of ${minimum} or more`
  // Beyond 2^53 the number is not the one that was written.
  return z
    .number(must(expected))
    .refine((value) => Number.isSafeInteger(value) && value >= minimum, must(expected))
    .meta({ type: 'integer', minimum, description })
}

const authorSchema = z
  .object(
    {
      first_name: text('a text').meta({ description: 'First name.' }),
      last_name: text('a text').meta({ description: 'Last name.' }),
      organization: text('a text').meta({ description: 'Organization of the author.' }),
      // No format check, because the reference accepts any text.
      email: text('a text').meta({ description: 'E-mail address.' }),
      is_contact: z
        .boolean(must('true or false'))
        .meta({ description: 'Whether users write to this author.' })
        .default(false),
    },
    mapping,
  )
  .transform(({ first_name, last_name, organization, email, is_contact }) => ({
    firstName: first_name,
    lastName: last_name,
    organization,
    email,
    isContact: is_contact,
  }))

const resourcesSchema = z
  .object(
    {
      ram: memoryBytes.optional(),
      cpus: count(1, 'Minimum number of CPUs of a run.').default(1),
      gpus: count(0, 'Number of GPUs of a run. Most installations have none.').default(0),
      internet: z
        .boolean(must('true or false'))
        .meta({
          description: 'Whether a run may reach the internet. Most installations have no queue for it.',
        })
        .default(false),
    },
    mapping,
  )
  .transform(({ ram, ...rest }) => ({ ...(ram !== undefined && { ramBytes: String(ram) }), ...rest }))

const imageSchema = z.object(
  {
    file: text('the name of a file in the bundle')
      .meta({
        description: 'Image archive in the bundle. Default: <namespace>-<version>.tar, or else image.tar.',
      })
      .nullish(),
  },
  mapping,
)

const configurationSchema = z.object(
  {
    input_folder: folder('inputs').default(DEFAULT_FOLDERS.inputs),
    output_folder: folder('outputs').default(DEFAULT_FOLDERS.outputs),
    // Authors also write the file itself: `image: /image.tar`.
    image: z
      .preprocess((image) => (typeof image === 'string' ? { file: image } : image), imageSchema)
      .nullish(),
    resources: resourcesSchema.prefault({}),
  },
  mapping,
)

/**
 * Schema of everything in a descriptor except its parameters, which parameter-reader.ts reads one by one. Accepts the
 * same descriptors as the official schema task.v0.json, with the documented differences (descriptor contract, 3 and 7).
 */
export const descriptorSchema = z.object(
  {
    $schema: text(`the address of the schema, ${OFFICIAL_SCHEMA}`).meta({
      description: `Address of Cytomine's schema: ${OFFICIAL_SCHEMA}`,
    }),
    name: text('a name of 3 to 30 letters, digits, spaces, "_" and "-"', (value) => NAME.test(value)).meta({
      pattern: NAME.source,
      description: 'Name of the task for people.',
    }),
    namespace: text('a namespace such as com.example.tasks.count (at most 255 characters)', isNamespace).meta(
      {
        ...NAME_PATTERNS.namespace,
        description: 'Identifies the task together with its version: com.example.tasks.count.',
      },
    ),
    version: text('a semantic version such as 1.0.0 (at most 255 characters)', isSemver).meta({
      ...NAME_PATTERNS.version,
      description: 'Semantic version. A published version never changes: raise it for every change.',
    }),
    description: text(
      `a text of at most ${MAX_DESCRIPTION_CHARACTERS} characters`,
      (value) => [...value].length <= MAX_DESCRIPTION_CHARACTERS,
    )
      .meta({ maxLength: MAX_DESCRIPTION_CHARACTERS, description: 'What the task does.' })
      .exactOptional(),
    authors: z
      .array(authorSchema, must('a list of authors'))
      .min(1, 'must name one author or more, each with first_name, last_name, organization and email')
      .meta({ description: 'Who wrote the task; one or more.' }),
    external: z
      .object(
        {
          source_code: text('an address')
            .meta({ description: "Address of the task's source code." })
            .exactOptional(),
          doi: z
            .array(text('an address'), must('a list of addresses'))
            .meta({ description: 'Publications.' })
            .exactOptional(),
        },
        mapping,
      )
      .exactOptional(),
    configuration: configurationSchema,
    inputs: parametersMapping(),
    outputs: parametersMapping(),
  },
  mapping,
)

/** Known keys of each mapping outside of parameters. `name_short` is required by the Java service. */
export const DESCRIPTOR_KEYS = {
  root: [...keysOf(descriptorSchema), 'name_short'],
  author: keysOf(authorSchema),
  configuration: keysOf(configurationSchema),
  image: keysOf(imageSchema),
  resources: keysOf(resourcesSchema),
} as const

/** A custom mapping check, because z.record drops the name `__proto__`, which must be refused. */
function parametersMapping() {
  const expected = 'a mapping of names to parameters'
  return z.unknown().superRefine((value, context) => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return
    context.addIssue({ code: 'custom', message: mustMessage(expected, value), input: value })
  })
}
