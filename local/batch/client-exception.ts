/** Request that AWS Batch would reject; becomes status 400 with this message. */
export class ClientException extends Error {
  override readonly name = 'ClientException'
}
