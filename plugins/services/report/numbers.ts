/** A number as a reader wants it: about four digits, no noise. */
export function shown(x: string | number | boolean | null | undefined): string {
  if (typeof x !== 'number') return x === null || x === undefined ? '–' : String(x)
  if (!Number.isFinite(x)) return x > 0 ? '∞' : x < 0 ? '−∞' : 'not a number'
  if (Number.isInteger(x)) return minus(x.toLocaleString('en-US'))
  const size = Math.abs(x)
  if (size < 1e-4 || size >= 1e6) return minus(x.toExponential(3))
  return minus(size >= 1000 ? x.toFixed(1) : Number(x.toPrecision(4)).toFixed(decimals(size)))
}

const decimals = (size: number): number => (size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4)

/** The same of what lies below a bound: rounded up, so that what is said holds. */
export function shownAbove(x: number): string {
  const unit = 10 ** decimals(Math.abs(x))
  // A product that is whole but for the last bits of a double is whole.
  return Math.abs(x) < 1e-4 || Math.abs(x) >= 1000 ? shown(x) : minus((Math.ceil(x * unit - 1e-9) / unit).toFixed(decimals(Math.abs(x))))
}

const minus = (text: string): string => text.replace('-', '−')

/** Seconds, minutes or hours. */
export const duration = (seconds: number): string =>
  seconds < 1
    ? `${Math.round(seconds * 1000)} ms`
    : seconds < 90
      ? `${seconds.toFixed(1)} s`
      : seconds < 5400
        ? `${(seconds / 60).toFixed(1)} min`
        : `${(seconds / 3600).toFixed(1)} h`

interface Metric {
  readonly label: string
  /** Whether higher is better; absent where neither is. */
  readonly higher?: boolean
}

/** What is known of a metric's name, in the order of a report's head. */
const metrics: Readonly<Record<string, Metric>> = {
  accuracy: { label: 'accuracy', higher: true },
  rmse: { label: 'root mean squared error', higher: false },
  nll: { label: 'negative log-likelihood', higher: false },
  ece: { label: 'calibration error', higher: false },
  auroc: { label: 'AUROC, out of distribution', higher: true },
  brier: { label: 'Brier score', higher: false },
  selective: { label: 'selective area, of 99.9', higher: true },
  fpr95: { label: 'false positives at 95 % recall', higher: false },
  'selective-joint': { label: 'selective area, mixed', higher: true },
  'aupr-out': { label: 'precision area, out', higher: true },
  'aupr-in': { label: 'precision area, in', higher: true },
}

const order = Object.keys(metrics)

/** Split and metric of a value's name. */
export function split(name: string): { readonly split: string; readonly metric: string } {
  const at = name.lastIndexOf('/')
  return { split: name.slice(0, Math.max(0, at)), metric: name.slice(at + 1) }
}

/** The metric of a name without the number of a repeated evaluation. */
const kind = (name: string): string => split(name).metric.replace(/\.\d+$/, '')

export const metricOf = (name: string): Metric => metrics[kind(name)] ?? { label: split(name).metric }

const rank = (name: string): number => {
  const at = order.indexOf(kind(name))
  return at < 0 ? order.length : at
}

/** Names as a report orders them: known metrics first, test before other splits, as given otherwise. */
export const ordered = (names: readonly string[]): string[] =>
  [...names].sort((a, b) => rank(a) - rank(b) || Number(split(b).split === 'test') - Number(split(a).split === 'test'))
