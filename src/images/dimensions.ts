/** Size of an image in pixels. */
export interface Dimensions {
  readonly width: number
  readonly height: number
}
