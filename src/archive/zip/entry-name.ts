import yauzl from 'yauzl'

/** Bit 11: the name is UTF-8 (PKWARE APPNOTE 6.3.10, 4.4.4). */
const NAMES_ARE_UTF8 = 0x0800

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The name of an entry, with `/` between its parts. Without the flag for UTF-8 a name is in code page 437 by the specification, while
 * Finder, ditto and older tools on Linux write UTF-8: bytes that are well-formed UTF-8 are taken for it, since text in a code page hardly
 * ever is. Info-ZIP's field with the name in Unicode (0x7075) goes first.
 */
export function decodeEntryName(
  entry: Pick<yauzl.Entry, 'generalPurposeBitFlag' | 'fileNameRaw' | 'extraFields'>,
): string {
  const { generalPurposeBitFlag, fileNameRaw, extraFields } = entry
  const isUtf8 = (generalPurposeBitFlag & NAMES_ARE_UTF8) !== 0 || isWellFormed(fileNameRaw)
  const flags = isUtf8 ? generalPurposeBitFlag | NAMES_ARE_UTF8 : generalPurposeBitFlag
  return yauzl.getFileNameLowLevel(flags, fileNameRaw, extraFields, false)
}

/** A form in which names compare as people read them: macOS decomposes accents (NFD), and cases differ between systems. */
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
