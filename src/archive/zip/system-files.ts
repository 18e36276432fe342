/** Folders that operating systems and servers add: macOS, Windows, AppleDouble servers and Synology DSM. */
const FOLDERS: ReadonlySet<string> = new Set([
  '__macosx',
  '.appledouble',
  '.fseventsd',
  '.spotlight-v100',
  '.temporaryitems',
  '.trashes',
  '$recycle.bin',
  'system volume information',
  '@eadir',
])
/** Files of the same systems, and of KDE's Dolphin (`.directory`). `Icon\r` is the icon of a macOS folder. */
const FILES: ReadonlySet<string> = new Set([
  '.ds_store',
  '.directory',
  '.localized',
  'desktop.ini',
  'ehthumbs.db',
  'ehthumbs_vista.db',
  'icon\r',
  'thumbs.db',
])
/** AppleDouble: prefix of a file with the attributes of the file whose name follows. */
const ATTRIBUTES_PREFIX = '._'

/** Whether an entry belongs to a file manager, by its name (ignoring case). Users do not see such files. */
export function isSystemFile(name: string): boolean {
  const parts = name.toLowerCase().split('/')
  const file = parts.pop() ?? ''
  return parts.some((part) => FOLDERS.has(part)) || FILES.has(file) || file.startsWith(ATTRIBUTES_PREFIX)
}
