import * as z from 'zod'

/**
 * Array schema that stops at the first invalid item; `z.array` would collect every error of a hostile document, a
 * kilobyte of errors for two bytes of input.
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
