/** A description from the document: paragraphs, with code between backticks. */
export function PlainWords({ text }: { readonly text: string }) {
  return (
    <>
      {text.split('\n\n').map((paragraph) => (
        <p key={paragraph}>
          {paragraph.split('`').map((part, at) => (at % 2 === 1 ? <code key={part}>{part}</code> : part))}
        </p>
      ))}
    </>
  )
}
