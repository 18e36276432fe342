import { z } from 'zod'
import type { RequestParameter } from './route-description.ts'
import { uuid } from './shared-schemas.ts'

type PathVariable = Pick<RequestParameter, 'description' | 'schema'>

/** Variables of paths by the first word of the path. */
const VARIABLES: Readonly<Record<string, Readonly<Record<string, PathVariable>>>> = {
  tasks: {
    id: { description: 'Id of the task.', schema: uuid },
    namespace: { description: 'Namespace of the task.', schema: z.string() },
    version: { description: 'Version of the task.', schema: z.string() },
  },
  'task-runs': {
    id: { description: 'Id of the run.', schema: uuid },
    parameter: {
      description: 'Name of the parameter; another letter case will do where only one parameter fits.',
      schema: z.string(),
    },
    secret: { description: 'Secret of the run.', schema: z.string() },
  },
  uploads: { id: { description: 'Id of the upload.', schema: uuid } },
  stores: { id: { description: 'Id of the store.', schema: uuid } },
}

/** The parameters that a path has in braces, in its order. */
export function pathVariables(path: string): readonly RequestParameter[] {
  const [, resource = ''] = path.split('/')
  return [...path.matchAll(/\{(\w+)\}/gu)].map(([, name = '']) => {
    const described = VARIABLES[resource]?.[name]
    if (described === undefined) throw new Error(`the variable ${name} of ${path} is not described`)
    return { in: 'path', name, ...described }
  })
}
