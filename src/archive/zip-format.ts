/* Numbers of the zip format (PKWARE APPNOTE 6.3.10). */

/** Compression methods (4.4.5). */
export const STORED = 0
export const DEFLATED = 8

/** Size of a directory record without name, extra fields and comment (4.3.12). */
export const DIRECTORY_RECORD_BYTES = 46
/** Id of the extra field with numbers of 64 bits (4.5.3). */
export const ZIP64_FIELD = 0x0001

/** End records (4.3.14 to 4.3.16). */
export const END64_SIGNATURE = 0x06064b50
export const END64_BYTES = 56
export const LOCATOR64_SIGNATURE = 0x07064b50
export const LOCATOR64_BYTES = 20
export const END_BYTES = 22
