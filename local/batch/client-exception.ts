/** A request that AWS Batch would refuse; becomes a 400 with this message. */
export class ClientException extends Error {
  override readonly name = 'ClientException'
}
