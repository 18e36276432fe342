import * as z from 'zod'
import { environmentProblems } from '../src/shared/environment-problems.ts'
import { UserError } from './user-error.ts'

/**
 * Validates the process's environment variables.
 * @throws UserError naming every variable that is missing or invalid
 */
export function readSettings<Shape extends z.ZodRawShape>(
  shape: Shape,
  source: Readonly<Record<string, string | undefined>> = process.env,
): z.infer<z.ZodObject<Shape>> {
  const parsed = z.object(shape).safeParse(source)
  if (parsed.success) return parsed.data
  throw new UserError(`environment: ${environmentProblems(parsed.error, source)}`)
}
