/** Test files below `test/integration/` that run with the stacks deployed to another emulator. */
export const STACK_SUITES = [
  'rest-api',
  'runs',
  'arrays',
  'uploads',
  'imports',
  'run-ends',
  'run-sets',
  'core-wire',
  'edge',
] as const

/** Test files below `test/integration/` that do not run there, with the reason. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  'author-run-sets': 'commands that make calls that run-sets makes too',
  'author-runs': 'commands that make calls that other suites make too',
  'author-tasks': 'a command on this machine, and calls that other suites make too',
  addresses: 'a stack of its own, whose parts call each other at several addresses',
  'batch-model': 'starts no stack: the local Batch server against the model of its API',
  'bundle-formats': 'starts no stack: bundles and a registry',
  concurrency:
    'fifty calls at a time are fifty processes here: LocalStack then answers later than clients wait',
  'container-engine': 'starts no stack: the container engines',
  events: 'streams of the table, which LocalStack reads from a program that is not installed here',
  'foreign-pages': 'the ports of the default emulator and object store refuse web pages, other ones need not',
  'held-layers': 'what a registry holds, and the registry is the same for every emulator',
  idempotency: 'records of the table, which the contract suites hold against other emulators',
  'image-scan': 'what an emulator without scans answers, and others have scans of their own',
  'image-store': 'starts no stack: images of the embedded engine',
  'import-kills': 'starts no stack: the importer alone',
  isolation: 'what a container reaches, which no emulator changes',
  launcher: 'starts no stack: the embedded engine',
  'launcher-chroot': 'starts no stack: the embedded engine',
  'python-packages': 'starts no stack: installations of Python packages',
  reuse: 'checksums of copies, which the contract suite of the bucket holds against other emulators',
  'run-lists': 'an index of the table, which the contract suites hold against other emulators',
  signing: 'an emulator of its own, which verifies signatures',
  survival: 'a stack of its own, whose parts (emulator and object store among them) are killed',
  webhooks: 'events, which the stream of the table does not reach there',
}
