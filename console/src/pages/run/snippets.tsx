import { useState } from 'preact/hooks'
import { readValues } from '../../api/runs.ts'
import type { Run, TaskInput } from '../../api/types.ts'
import { Choices, CopyButton } from '../../ui/parts.tsx'
import { Problem } from '../../ui/problem.tsx'
import { ScrollBox } from '../../ui/scroll-box.tsx'
import { useData } from '../../ui/use-data.ts'
import { type Language, snippetOf } from './snippet-texts.ts'

interface SnippetsProps {
  readonly run: Run
  readonly inputs: readonly TaskInput[]
}

const LANGUAGES: readonly { readonly name: Language; readonly title: string }[] = [
  { name: 'curl', title: 'curl' },
  { name: 'python', title: 'Python' },
  { name: 'typescript', title: 'TypeScript' },
]

/** A program that repeats this run. */
export function Snippets({ run, inputs }: SnippetsProps) {
  const [isOpen, setIsOpen] = useState(false)
  return (
    <section class="card" aria-labelledby="snippets">
      <h2 id="snippets">
        <button type="button" class="link" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          This run as a program
        </button>
      </h2>
      {isOpen && <Program run={run} inputs={inputs} />}
    </section>
  )
}

function Program({ run, inputs }: SnippetsProps) {
  const [language, setLanguage] = useState<Language>('curl')
  const values = useData((signal) => readValues(run.id, 'inputs', signal), [run.id])
  if (values.error !== undefined) return <Problem error={values.error} />
  if (values.data === undefined) return null
  const text = snippetOf(language, { run, inputs, values: values.data })
  return (
    <>
      <div class="title-row">
        <Choices label="Language" tabs={LANGUAGES} chosen={language} onChoose={setLanguage} />
        <CopyButton text={text} label="Copy the program" />
      </div>
      <ScrollBox class="source" label={`Program in ${language}`}>
        {text}
      </ScrollBox>
    </>
  )
}
