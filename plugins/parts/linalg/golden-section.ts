/** The minimum of a unimodal function on [low, high], to within `tolerance`. */
export function goldenSection(f: (x: number) => number, low: number, high: number, tolerance: number): number {
  const share = (Math.sqrt(5) - 1) / 2
  let [a, b] = [low, high]
  let [x, y] = [b - share * (b - a), a + share * (b - a)]
  let [fx, fy] = [f(x), f(y)]
  while (b - a > tolerance) {
    if (fx <= fy) {
      ;[b, y, fy] = [y, x, fx]
      x = b - share * (b - a)
      fx = f(x)
    } else {
      ;[a, x, fx] = [x, y, fy]
      y = a + share * (b - a)
      fy = f(y)
    }
  }
  return (a + b) / 2
}
