#!/usr/bin/env node
import { runProgram } from './program.ts'
import { endProgram } from './temporary-folder.ts'
import { EXIT } from './terminal/exit-codes.ts'
import { fileWords } from './terminal/file-words.ts'

/* cytomine-task: the program of task authors. `cytomine-task --help` lists the commands. */
let isOutputLost = false
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (isOutputLost) return
  isOutputLost = true
  // EPIPE: the reader, such as `head`, has all that it wants.
  if (error.code !== 'EPIPE')
    process.stderr.write(`the output is lost: ${fileWords(error) ?? error.message}\n`)
  endProgram(EXIT.failed)
})
// A lost progress does not stop the command, whose result is on stdout.
process.stderr.on('error', () => undefined)

void runProgram(process.argv.slice(2), process).then((code) => {
  process.exitCode = isOutputLost ? EXIT.failed : code
  // An interrupted command may have requests in flight, which nobody waits for.
  if (code === EXIT.interrupted) process.exit()
})
