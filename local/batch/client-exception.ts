/** Error for a request that AWS Batch would refuse; answered with status 400 and this message. */
export class ClientException extends Error {
  override readonly name = 'ClientException'
}
