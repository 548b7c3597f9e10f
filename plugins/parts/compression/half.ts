const scratch = new DataView(new ArrayBuffer(4))

/** The sixteen bits of the IEEE 754 half that is nearest to x, ties to even; finite x beyond its range become the largest half. */
export function toHalf(x: number): number {
  scratch.setFloat32(0, Math.max(-65504, Math.min(65504, x)))
  const bits = scratch.getUint32(0)
  const sign = (bits >>> 16) & 0x8000
  const size = Math.abs(scratch.getFloat32(0))
  // Below 2^-14 halves are multiples of 2^-24; above, the mantissa keeps ten bits.
  if (size < 2 ** -14) return sign | roundEven(size * 2 ** 24)
  const exponent = ((bits >>> 23) & 0xff) - 127
  return sign | (((exponent + 15) << 10) + roundEven((size / 2 ** exponent - 1) * 1024))
}

function roundEven(x: number): number {
  const floor = Math.floor(x)
  const rest = x - floor
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor
}

/** The number that sixteen bits stand for. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >>> 10) & 0x1f
  const mantissa = bits & 0x3ff
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15))
}
