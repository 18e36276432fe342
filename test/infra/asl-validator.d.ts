/** Types for a package without types. The validator adds defaults to its argument. */
declare module 'asl-validator' {
  export default function validate(definition: unknown): {
    readonly isValid: boolean
    readonly errors: readonly { readonly Message?: string; readonly 'Error code': string }[]
  }
}
