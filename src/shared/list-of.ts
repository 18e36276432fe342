import * as z from 'zod'

/**
 * A list that is given up at its first item that is wrong: `z.array` tells each of them, a kilobyte for two bytes of a document that
 * means no good.
 */
export function listOf<Item>(item: z.ZodType<Item>): z.ZodType<Item[]> {
  return z.custom<readonly unknown[]>(Array.isArray, 'expected a list').transform((values, context) => {
    const items: Item[] = []
    for (const [index, value] of values.entries()) {
      const parsed = item.safeParse(value)
      if (!parsed.success) {
        const [issue] = parsed.error.issues
        const path = [index, ...(issue?.path ?? [])]
        context.addIssue({ code: 'custom', path, message: issue?.message ?? '' })
        return z.NEVER
      }
      items.push(parsed.data)
    }
    return items
  })
}
