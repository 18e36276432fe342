import { recordCalls } from './recorder.ts'

/* Loaded by `node --import`, into functions of the emulator among others; see recordingOptions. */
recordCalls(new URL(import.meta.url).searchParams.get('to') ?? '')
