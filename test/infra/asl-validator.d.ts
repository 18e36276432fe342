/** The package brings no types. It writes defaults into the definition that it is given. */
declare module 'asl-validator' {
  export default function validate(definition: unknown): {
    readonly isValid: boolean
    readonly errors: readonly { readonly Message?: string; readonly 'Error code': string }[]
  }
}
