/** Kind and message of a failure, in one line of a table. */
export function RowError({ kind, message }: { readonly kind: string; readonly message: string }) {
  return (
    <span title={message}>
      <span class="kind">{kind}</span> {message}
    </span>
  )
}
