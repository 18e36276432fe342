/** Prefix of all routes, where core expects the API (http-api 1.1). */
export const BASE_PATH = '/app-engine/v1'
