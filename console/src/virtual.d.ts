/** docs/openapi.yaml as a module (vite.config.ts). */
declare module 'virtual:openapi' {
  const document: import('./pages/api/document.ts').OpenApi
  export default document
}
