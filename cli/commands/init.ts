import { existsSync } from 'node:fs'
import { chmod, mkdir, rm, rmdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import taskSchema from '../../docs/task.schema.json' with { type: 'json' }
import { isNamespace } from '../../src/contract/names.ts'
import { cTemplate } from '../templates/c.ts'
import { commonFiles } from '../templates/common.ts'
import { pythonTemplate } from '../templates/python.ts'
import { shellTemplate } from '../templates/shell.ts'
import type { ProgramTemplate, TemplateFile } from '../templates/template.ts'
import { removeOnSignal } from '../temporary-folder.ts'
import { CommandError, usageError } from '../terminal/command-error.ts'
import { EXIT } from '../terminal/exit-codes.ts'
import { shellWord } from '../terminal/shell-word.ts'
import type { Perform } from './perform.ts'

const TEMPLATES: Readonly<Record<string, ProgramTemplate>> = {
  python: pythonTemplate,
  c: cTemplate,
  shell: shellTemplate,
}

export function addInit(program: Command, perform: Perform): void {
  program
    .command('init')
    .description('creates a folder with an example task that is ready to run')
    .argument('<name>', 'name of the folder: letters, digits, "-" and "_"')
    .addOption(
      new Option('--lang <language>', 'language of the program')
        .choices(Object.keys(TEMPLATES))
        .default('python'),
    )
    .option(
      '--namespace <namespace>',
      'prefix of the namespace of the task, such as com.example',
      'org.example',
    )
    .action((folder: string, flags: { readonly lang: string; readonly namespace: string }) =>
      perform(async (terminal) => {
        const name = basename(folder)
        if (!/^[A-Za-z0-9][A-Za-z0-9_-]{2,29}$/u.test(name)) {
          throw usageError(
            `"${name}" cannot be the name of a task; expected 3 to 30 letters, digits, "-" and "_"`,
          )
        }
        // A namespace may begin with a dot, which nobody means here.
        if (!/^\w/u.test(flags.namespace) || !isNamespace(`${flags.namespace}.${name}`)) {
          throw usageError(
            `"${flags.namespace}" is not a valid namespace; expected letters and digits with dots between, such as com.example`,
          )
        }
        const names = { name, namespace: `${flags.namespace}.${name}` }
        const schema = `${JSON.stringify(taskSchema, null, 2)}\n`
        const template = TEMPLATES[flags.lang] ?? pythonTemplate
        const files = [...commonFiles(names, schema), ...template(names)]
        await writeNewFolder(folder, files)
        terminal.json({ folder, files: files.map(({ path }) => path) })
        terminal.print(`Created a task in ${flags.lang}: ${folder}. Next:`)
        terminal.print(`  cd ${shellWord(folder)}`)
        terminal.print('  cytomine-task run -i image=@sample/image.png -i factors=@sample/factors.json')
        return EXIT.success
      }),
    )
}

/**
 * Creates a folder with files. Without all of them, such as on a full disk, it is removed again, as are the folders above it that were
 * created and are still empty.
 * @throws CommandError when it exists
 */
async function writeNewFolder(folder: string, files: readonly TemplateFile[]): Promise<void> {
  const first = existsSync(folder) ? undefined : await mkdir(folder, { recursive: true })
  if (first === undefined) throw new CommandError(`${folder} already exists; choose another name`)
  const keep = removeOnSignal(folder)
  try {
    for (const { path, content, isExecutable } of files) {
      const target = join(folder, path)
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, content)
      if (isExecutable === true) await chmod(target, 0o755)
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    for (let parent = dirname(resolve(folder)); parent.startsWith(resolve(first)); parent = dirname(parent))
      await rmdir(parent).catch(() => undefined)
    throw error
  } finally {
    keep()
  }
}
