/** Types of the package, which has none. The validator writes defaults into its argument. */
declare module 'asl-validator' {
  export default function validate(definition: unknown): {
    readonly isValid: boolean
    readonly errors: readonly { readonly Message?: string; readonly 'Error code': string }[]
  }
}
