import { ResponseType, type RestApi } from 'aws-cdk-lib/aws-apigateway'

/** Error code of API Gateway's own responses. `$context.error.messageString` is a JSON string, quotes included. */
const CODE = 'APPE-gateway-error'
const WITH_DETAILS = `{"errorCode":"${CODE}","message":$context.error.messageString,"details":{"type":"empty"}}`
/** Body of every 403 of the contract. */
const TWO_KEYS = `{"errorCode":"${CODE}","message":$context.error.messageString}`

/** All types whose status is 403 (API Gateway developer guide, "Gateway response types"). */
const FORBIDDEN: readonly (readonly [id: string, type: ResponseType])[] = [
  ['AccessDenied', ResponseType.ACCESS_DENIED],
  ['ExpiredToken', ResponseType.EXPIRED_TOKEN],
  ['InvalidApiKey', ResponseType.INVALID_API_KEY],
  ['InvalidSignature', ResponseType.INVALID_SIGNATURE],
  ['MissingAuthenticationToken', ResponseType.MISSING_AUTHENTICATION_TOKEN],
  ['WafFiltered', ResponseType.WAF_FILTERED],
]

/** Sets the contract's error shape for API Gateway's own responses (throttled, forbidden, function unavailable). */
export function addGatewayAnswers(api: RestApi): void {
  const answers = [
    ['Default4xx', ResponseType.DEFAULT_4XX, WITH_DETAILS],
    ['Default5xx', ResponseType.DEFAULT_5XX, WITH_DETAILS],
    ...FORBIDDEN.map(([id, type]) => [id, type, TWO_KEYS] as const),
  ] as const
  for (const [id, type, template] of answers) {
    api.addGatewayResponse(id, { type, templates: { 'application/json': template } })
  }
}
