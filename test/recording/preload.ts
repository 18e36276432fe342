import { recordCalls } from './recorder.ts'

/* Loaded by `node --import`, also into functions of the emulator; see recordingOptions. */
recordCalls(new URL(import.meta.url).searchParams.get('to') ?? '')
