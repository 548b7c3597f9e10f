import { RunError, type Fault } from 'ockham'

/** MLflow's own error codes, as its servers answer them. */
export const mlflowCodes = [
  'BAD_REQUEST',
  'INVALID_PARAMETER_VALUE',
  'RESOURCE_ALREADY_EXISTS',
  'UNAUTHENTICATED',
  'CUSTOMER_UNAUTHORIZED',
  'PERMISSION_DENIED',
  'RESOURCE_DOES_NOT_EXIST',
  'ENDPOINT_NOT_FOUND',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'RESOURCE_CONFLICT',
  'ABORTED',
  'REQUEST_LIMIT_EXCEEDED',
  'RESOURCE_EXHAUSTED',
  'CANCELLED',
  'INTERNAL_ERROR',
  'INVALID_STATE',
  'DATA_LOSS',
  'NOT_IMPLEMENTED',
  'TEMPORARILY_UNAVAILABLE',
  'DEADLINE_EXCEEDED',
] as const

/** `UNREACHABLE` where no answer came; `UNKNOWN` where the answer named no code and its status says nothing either. */
export type MlflowCode = (typeof mlflowCodes)[number] | 'UNREACHABLE' | 'UNKNOWN'

/** What a server, or the way to it, refused. */
export class MlflowError extends RunError {
  constructor(
    fault: Fault,
    readonly mlflow: MlflowCode,
    /** HTTP status; 0 where no answer came. */
    readonly status: number,
    options: { readonly cause?: unknown; readonly retryAfter?: number | undefined } = {},
  ) {
    super(fault, { cause: options.cause })
    this.retryAfter = options.retryAfter
  }

  /** Seconds that the server asked to wait. */
  readonly retryAfter: number | undefined

  /** Whether the same request may succeed later. */
  get transient(): boolean {
    return this.status === 0 || [408, 429, 500, 502, 503, 504].includes(this.status)
  }

  /** Whether the server refuses who asks, not what is asked. */
  get refused(): boolean {
    return this.status === 401 || this.status === 403
  }
}

const byStatus: Readonly<Record<number, MlflowCode>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'RESOURCE_CONFLICT',
  429: 'REQUEST_LIMIT_EXCEEDED',
  500: 'INTERNAL_ERROR',
  501: 'NOT_IMPLEMENTED',
  503: 'TEMPORARILY_UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

const isCode = (code: unknown): code is MlflowCode => mlflowCodes.includes(code as (typeof mlflowCodes)[number])

interface Said {
  readonly error_code?: unknown
  readonly message?: unknown
  readonly detail?: unknown
}

const parsed = (text: string): Said | undefined => {
  try {
    const said: unknown = JSON.parse(text)
    return typeof said === 'object' && said !== null ? said : undefined
  } catch {
    return undefined
  }
}

/** What a person reads of an answer that may be HTML or the text of an SQL error. */
const readable = (text: string): string =>
  text
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, 300)

interface Explained {
  readonly code: string
  readonly what: string
  readonly remedy?: string
}

function explain(status: number, code: MlflowCode, text: string, base: string): Explained {
  const said = readable(text) || `status ${status}`
  if (status === 401)
    return {
      code: 'OCK-MLFLOW-002',
      what: `the server does not accept the credentials (${said})`,
      remedy: 'set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD',
    }
  if (status === 403 && text.includes('Host header')) {
    const host = new URL(base).host
    return {
      code: 'OCK-MLFLOW-004',
      what: `the server does not answer to the name '${host}' (${said})`,
      remedy: `start it with --allowed-hosts '${host},localhost:*' (the list replaces the default one), or use a name that it allows`,
    }
  }
  if (status === 403)
    return { code: 'OCK-MLFLOW-003', what: `permission denied (${said})`, remedy: 'ask for write access to the experiment' }
  if (/Invalid value "" for parameter 'run_id'|Run with id= not found/.test(text))
    return { code: 'OCK-MLFLOW-011', what: 'a field of the request has the wrong type, and the server stopped reading there' }
  if (status === 503 && text.includes('artifact'))
    return {
      code: 'OCK-MLFLOW-013',
      what: `the server does not serve artifacts (${said})`,
      remedy: 'start it without --no-serve-artifacts',
    }
  if (code === 'RESOURCE_DOES_NOT_EXIST' || status === 404)
    return { code: 'OCK-MLFLOW-005', what: said, remedy: 'check the name, and that MLFLOW_TRACKING_URI is that of an MLflow server' }
  if (code === 'RESOURCE_ALREADY_EXISTS') return { code: 'OCK-MLFLOW-006', what: said }
  if (status >= 300 && status < 400)
    return { code: 'OCK-MLFLOW-008', what: `the server redirects (${status})`, remedy: 'give the address that it redirects to' }
  return { code: status >= 500 ? 'OCK-MLFLOW-008' : 'OCK-MLFLOW-007', what: said }
}

const seconds = (header: string | undefined): number | undefined => {
  if (header === undefined) return undefined
  const wait = /^\d+(\.\d+)?$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined
}

/** The error that an answer means; `where` is the request, `base` the server's address. */
export function answered(status: number, text: string, where: string, base: string, retryAfter?: string): MlflowError {
  const said = parsed(text)
  const code = isCode(said?.error_code) ? said.error_code : (byStatus[status] ?? 'UNKNOWN')
  const message = [said?.message, said?.detail].find((m) => typeof m === 'string') ?? text
  return new MlflowError({ ...explain(status, code, message, base), where }, code, status, { retryAfter: seconds(retryAfter) })
}

/** The error that no answer means. */
export function unreachable(cause: unknown, where: string, base: string): MlflowError {
  const { code = '', message = String(cause) } = cause as { code?: string; message?: string }
  const tls = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|TLS|SSL/.test(code)
  const fault = tls
    ? {
        code: 'OCK-MLFLOW-009',
        what: `the server's certificate is not trusted: ${message}`,
        remedy: 'name the authority that signed it in MLFLOW_TRACKING_SERVER_CERT_PATH',
      }
    : {
        code: 'OCK-MLFLOW-001',
        what: `no answer from ${base}: ${message || code}`,
        remedy: 'start it with `mlflow server`, or set MLFLOW_TRACKING_URI',
      }
  return new MlflowError({ ...fault, where }, 'UNREACHABLE', 0, { cause })
}
