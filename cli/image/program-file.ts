/** Kind of a program file, read from its first bytes. */
export type ProgramFile =
  /** A script: the interpreter of its first line, with arguments. */
  | { readonly kind: 'script'; readonly interpreter: string; readonly hasCarriageReturn: boolean }
  /** An ELF program for 64-bit x86; `loader` is the dynamic loader that it needs. */
  | { readonly kind: 'program'; readonly loader: string | undefined }
  /** An ELF program for another processor. */
  | { readonly kind: 'foreign'; readonly machine: string }
  | { readonly kind: 'unknown'; readonly isEmpty: boolean }

/** Bytes that are read; the program headers follow the ELF header. */
export const PROGRAM_START_BYTES = 64 * 1024

const EM_X86_64 = 62
/** Other processors that images are built for (ELF e_machine). */
const MACHINES: Readonly<Record<number, string>> = {
  3: '32-bit x86',
  40: '32-bit ARM',
  183: 'arm64',
  243: 'RISC-V',
}
const PT_INTERP = 3
const LITTLE_ENDIAN = 1

/** Recognises a program by its first {@link PROGRAM_START_BYTES}. */
export function recogniseProgram(start: Buffer): ProgramFile {
  if (start.toString('latin1', 0, 4) === '\x7fELF' && start.length >= 64) return recogniseElf(start)
  if (start.toString('latin1', 0, 2) !== '#!') return { kind: 'unknown', isEmpty: start.length === 0 }
  const [line = ''] = start.toString('utf8', 2, 256).split('\n')
  const hasCarriageReturn = line.endsWith('\r')
  return { kind: 'script', interpreter: line.trim(), hasCarriageReturn }
}

function recogniseElf(start: Buffer): ProgramFile {
  const machine = start[5] === LITTLE_ENDIAN ? start.readUInt16LE(18) : start.readUInt16BE(18)
  if (machine !== EM_X86_64) {
    return { kind: 'foreign', machine: MACHINES[machine] ?? `the processor ${machine} of ELF` }
  }
  return { kind: 'program', loader: loaderOf(start) }
}

/** ELF64 header: e_phoff at 32, e_phentsize at 54, e_phnum at 56; program header: p_type at 0, p_offset at 8, p_filesz at 32. */
function loaderOf(start: Buffer): string | undefined {
  const at = Number(start.readBigUInt64LE(32))
  const size = start.readUInt16LE(54)
  for (let index = 0; index < start.readUInt16LE(56); index += 1) {
    const header = at + index * size
    if (header + 40 > start.length) return undefined
    if (start.readUInt32LE(header) !== PT_INTERP) continue
    const offset = Number(start.readBigUInt64LE(header + 8))
    const length = Number(start.readBigUInt64LE(header + 32))
    return offset + length > start.length ? undefined : start.toString('utf8', offset, offset + length - 1)
  }
  return undefined
}
