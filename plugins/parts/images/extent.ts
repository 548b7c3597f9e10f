/** Size of an image, pixels. */
export interface Extent {
  readonly height: number
  readonly width: number
}
