import yauzl from 'yauzl'

/** Bit 11: the name is UTF-8 (PKWARE APPNOTE 6.3.10, 4.4.4). */
const NAMES_ARE_UTF8 = 0x0800

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The name of an entry, with `/` as separator. Info-ZIP's Unicode name field (0x7075) takes precedence. Without the
 * UTF-8 flag the specification says code page 437, while Finder, ditto and older Linux tools write UTF-8. Well-formed
 * UTF-8 is decoded as such, since code page text hardly ever is well-formed.
 */
export function decodeEntryName(
  entry: Pick<yauzl.Entry, 'generalPurposeBitFlag' | 'fileNameRaw' | 'extraFields'>,
): string {
  const { generalPurposeBitFlag, fileNameRaw, extraFields } = entry
  const isUtf8 = (generalPurposeBitFlag & NAMES_ARE_UTF8) !== 0 || isWellFormed(fileNameRaw)
  const flags = isUtf8 ? generalPurposeBitFlag | NAMES_ARE_UTF8 : generalPurposeBitFlag
  return yauzl.getFileNameLowLevel(flags, fileNameRaw, extraFields, false)
}

/** Normalized name for comparison: macOS decomposes accents (NFD), and some file systems ignore case. */
export function comparableName(name: string): string {
  return name.normalize('NFC').toLowerCase()
}

function isWellFormed(bytes: Buffer): boolean {
  try {
    utf8.decode(bytes)
    return true
  } catch (error) {
    if (error instanceof TypeError) return false
    throw error
  }
}
