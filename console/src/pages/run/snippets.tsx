import { useState } from 'preact/hooks'
import type { Run } from '../../api/types.ts'
import { Choices, CopyButton, Loading } from '../../ui/parts.tsx'
import { Problem } from '../../ui/problem.tsx'
import { ScrollBox } from '../../ui/scroll-box.tsx'
import { useData } from '../../ui/use-data.ts'
import { readPrograms } from '../../viewer/read-values.ts'
import type { Language } from './program/programs.ts'

interface SnippetsProps {
  readonly run: Run
}

const LANGUAGES: readonly { readonly name: Language; readonly title: string }[] = [
  { name: 'curl', title: 'curl' },
  { name: 'python', title: 'Python' },
  { name: 'typescript', title: 'TypeScript' },
]

/** A program that repeats this run. */
export function Snippets({ run }: SnippetsProps) {
  const [isOpen, setIsOpen] = useState(false)
  return (
    <section class="card" aria-labelledby="snippets">
      <h2 id="snippets">
        <button type="button" class="link" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          This run as a program
        </button>
      </h2>
      {isOpen && <Program run={run} />}
    </section>
  )
}

function Program({ run: { id, task, state } }: SnippetsProps) {
  const [language, setLanguage] = useState<Language>('curl')
  // Inputs may change until the run starts.
  const programs = useData((signal) => readPrograms({ runId: id, task }, signal), [id, state])
  if (programs.error !== undefined) return <Problem error={programs.error} />
  if (programs.data === undefined) return <Loading what="the program" />
  const text = programs.data[language]
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
