/** docs/openapi.yaml (vite.config.ts). */
declare module 'virtual:openapi' {
  const document: import('./pages/api/document.ts').OpenApi
  export default document
}
