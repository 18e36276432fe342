import * as z from 'zod'

/** Kind of a program file, read from its first bytes. */
export const programFileSchema = z.discriminatedUnion('kind', [
  /** A script; `interpreter` is its first line after `#!`, with arguments. */
  z.object({ kind: z.literal('script'), interpreter: z.string(), hasCarriageReturn: z.boolean() }),
  /** An ELF program for 64-bit or 32-bit x86, which kernels for amd64 run too; `loader` is the dynamic loader that it needs. */
  z.object({ kind: z.literal('program'), loader: z.string().optional() }),
  /** An ELF program for another processor. */
  z.object({ kind: z.literal('foreign'), machine: z.string() }),
  z.object({ kind: z.literal('unknown'), isEmpty: z.boolean(), hasCarriageReturn: z.boolean() }),
])
export type ProgramFile = z.infer<typeof programFileSchema>

/** Number of bytes that are read: enough for the ELF header and the program headers that follow it. */
export const PROGRAM_START_BYTES = 64 * 1024

/** Headers of ELF files for x86 (ELF specification): offsets of the fields, by machine. */
const X86 = {
  3: { phoff: 28, phentsize: 42, phnum: 44, offset: 4, size: 16, headerBytes: 32, isWide: false },
  62: { phoff: 32, phentsize: 54, phnum: 56, offset: 8, size: 32, headerBytes: 56, isWide: true },
} as const
/** Other processors that images are built for (ELF e_machine). */
const MACHINES: Readonly<Record<number, string>> = {
  40: '32-bit ARM',
  183: 'arm64',
  243: 'RISC-V',
}
const PT_INTERP = 3
const LITTLE_ENDIAN = 1

/** Recognises a program by its first {@link PROGRAM_START_BYTES}. */
export function recogniseProgram(start: Buffer): ProgramFile {
  if (start.toString('latin1', 0, 4) === '\x7fELF' && start.length >= 64) return recogniseElf(start)
  const [line = ''] = start.toString('utf8', 0, 256).split('\n')
  const hasCarriageReturn = line.endsWith('\r')
  if (!line.startsWith('#!')) return { kind: 'unknown', isEmpty: start.length === 0, hasCarriageReturn }
  return { kind: 'script', interpreter: line.slice(2).trim(), hasCarriageReturn }
}

function recogniseElf(start: Buffer): ProgramFile {
  const machine = start[5] === LITTLE_ENDIAN ? start.readUInt16LE(18) : start.readUInt16BE(18)
  if (machine !== 3 && machine !== 62) {
    return { kind: 'foreign', machine: MACHINES[machine] ?? `the ELF machine type ${machine}` }
  }
  return { kind: 'program', loader: loaderOf(start, X86[machine]) }
}

function loaderOf(start: Buffer, layout: (typeof X86)[keyof typeof X86]): string | undefined {
  const addressAt = (at: number): number =>
    layout.isWide ? Number(start.readBigUInt64LE(at)) : start.readUInt32LE(at)
  const at = addressAt(layout.phoff)
  const size = start.readUInt16LE(layout.phentsize)
  for (let index = 0; index < start.readUInt16LE(layout.phnum); index += 1) {
    const header = at + index * size
    if (header + layout.headerBytes > start.length) return undefined
    if (start.readUInt32LE(header) !== PT_INTERP) continue
    const offset = addressAt(header + layout.offset)
    const length = addressAt(header + layout.size)
    return offset + length > start.length ? undefined : start.toString('utf8', offset, offset + length - 1)
  }
  return undefined
}
