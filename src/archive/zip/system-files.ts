/** Folders that file managers put beside a user's files: macOS, Windows, AppleDouble servers and Synology's DSM. */
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
/** Files of the same origin, and of KDE's Dolphin (`.directory`). `Icon\r` is the icon of a macOS folder. */
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
/** AppleDouble: the attributes of the file whose name follows. */
const ATTRIBUTES_PREFIX = '._'

/** Whether an archive's entry is a file manager's own, by its name in any case: users neither see nor mean such files. */
export function isSystemFile(name: string): boolean {
  const parts = name.toLowerCase().split('/')
  const file = parts.pop() ?? ''
  return parts.some((part) => FOLDERS.has(part)) || FILES.has(file) || file.startsWith(ATTRIBUTES_PREFIX)
}
