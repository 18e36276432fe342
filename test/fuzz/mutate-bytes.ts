import type { Random } from './random.ts'

/** Limits of signed and unsigned fields of 1 to 8 bytes, and values with a special meaning. */
const EDGES = [
  0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
] as const
const MAX_PIECE = 600

type Mutation = (bytes: Buffer, at: number, random: Random) => Buffer

const splice = (bytes: Buffer, at: number, removed: number, added: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)])

const changed = (bytes: Buffer, change: (copy: Buffer) => void): Buffer => {
  const copy = Buffer.from(bytes)
  change(copy)
  return copy
}

const MUTATIONS: readonly [Mutation, ...Mutation[]] = [
  // Changes a bit, a byte or a number.
  (bytes, at, random) =>
    changed(bytes, (copy) => copy.writeUInt8(copy.readUInt8(at) ^ (1 << random.below(8)), at)),
  (bytes, at, random) => changed(bytes, (copy) => copy.writeUInt8(random.below(256), at)),
  (bytes, at, random) =>
    changed(bytes, (copy) => {
      const length = random.pick([2, 4, 6])
      if (at + length <= copy.length) copy.writeUIntLE(random.pick(EDGES) % 2 ** (8 * length), at, length)
    }),
  (bytes, at, random) =>
    changed(bytes, (copy) => {
      if (at + 8 <= copy.length) copy.writeBigUInt64LE(BigInt(random.pick(EDGES)) << 32n, at)
    }),
  // Removes, inserts or moves bytes.
  (bytes, at) => bytes.subarray(0, at),
  (bytes, at, random) => splice(bytes, at, random.below(MAX_PIECE), Buffer.alloc(0)),
  (bytes, at, random) => splice(bytes, at, 0, random.bytes(random.below(40))),
  (bytes, at, random) => splice(bytes, at, 0, pieceOf(bytes, random)),
  (bytes, at, random) => {
    const piece = pieceOf(bytes, random)
    return splice(bytes, at, piece.length, piece)
  },
  (bytes, at, random) =>
    changed(bytes, (copy) => copy.fill(0, at, Math.min(copy.length, at + random.below(MAX_PIECE)))),
]

function pieceOf(bytes: Buffer, random: Random): Buffer {
  const start = random.below(bytes.length)
  return bytes.subarray(start, start + random.below(MAX_PIECE))
}

/** Applies one to four changes at the offsets that `place` returns; by default at random ones. */
export function mutateBytes(
  bytes: Buffer,
  random: Random,
  place: (bytes: Buffer) => number = ({ length }) => random.below(length),
): Buffer {
  let mutated = bytes
  for (let count = 1 + random.below(4); count > 0 && mutated.length > 0; count -= 1) {
    const at = Math.min(Math.max(0, place(mutated)), mutated.length - 1)
    mutated = random.pick(MUTATIONS)(mutated, at, random)
  }
  return mutated
}

/** Returns an offset in or near a record of a zip. */
export function nearZipRecord(bytes: Buffer, random: Random): number {
  const found: number[] = []
  for (let at = bytes.indexOf('PK'); at >= 0; at = bytes.indexOf('PK', at + 1)) found.push(at)
  return (found[random.below(found.length)] ?? 0) + random.below(60)
}

const BLOCK = 512
/** Fields of a tar header: name, size, type, link, magic and prefix. */
type Field = readonly [start: number, length: number]
const TAR_FIELDS: readonly [Field, ...Field[]] = [
  [0, 100],
  [124, 12],
  [156, 1],
  [157, 100],
  [257, 8],
  [345, 155],
]
const TAR_TEXTS = [
  '',
  '../../etc/passwd',
  '/etc/passwd',
  'manifest.json',
  'index.json',
  'x'.repeat(300),
  '77777777777\0',
  '-1',
  '\u0000',
  '0',
  '1',
  '2',
  '5',
  'L',
  'x',
  'g',
  'K',
  'S',
] as const

/** Changes a field of a random header of a tar, with or without an updated checksum. */
export function mutateTarHeader(tar: Buffer, random: Random): Buffer {
  const headers: number[] = []
  for (let at = 0; at + BLOCK <= tar.length; at += BLOCK) {
    if (tar.toString('latin1', at + 257, at + 262) === 'ustar') headers.push(at)
  }
  return changed(tar, (copy) => {
    const at = headers[random.below(headers.length)] ?? 0
    const header = copy.subarray(at, at + BLOCK)
    const [start, length] = random.pick(TAR_FIELDS)
    if (random.chance(0.7)) header.fill(0, start, start + length).write(random.pick(TAR_TEXTS), start, length)
    else random.bytes(length).copy(header, start)
    if (random.chance(0.9)) writeChecksum(header)
  })
}

/** Inserts an extended header before a random header. */
export function addPaxHeader(tar: Buffer, random: Random): Buffer {
  const digits = '9'.repeat(random.chance(0.02) ? 900_000 : 1 + random.below(40))
  const value = random.pick([
    `size=${digits}`,
    `size=-${digits}`,
    'path=../../up',
    'path=',
    'path=\u0000',
    `path=${'a/'.repeat(random.below(3000))}`,
    'linkpath=/etc/passwd',
    'GNU.sparse.realsize=5',
    'nothing',
  ])
  const length = random.chance(0.8) ? paxLength(value) : random.below(1_000_000)
  const body = Buffer.from(`${length} ${value}\n`)
  const header = Buffer.alloc(BLOCK)
  header.write('PaxHeader/x', 0)
  header.write(body.length.toString(8).padStart(11, '0'), 124)
  header.write(random.pick(['x', 'g', 'L', 'K']), 156)
  header.write('ustar\u000000', 257)
  writeChecksum(header)
  const padding = Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)
  const at = BLOCK * random.below(Math.floor(tar.length / BLOCK))
  return splice(tar, at, 0, Buffer.concat([header, body, padding]))
}

function paxLength(value: string): number {
  const rest = Buffer.byteLength(value) + 2
  let length = rest + 1
  while (String(length).length + rest !== length) length += 1
  return length
}

function writeChecksum(header: Buffer): void {
  header.fill(0x20, 148, 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148)
}
