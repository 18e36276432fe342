#!/usr/bin/env node
import { runProgram } from './program.ts'

/* cytomine-task: the program of task authors. `cytomine-task --help` lists the commands. */
void runProgram(process.argv.slice(2), process).then((code) => {
  process.exitCode = code
})
