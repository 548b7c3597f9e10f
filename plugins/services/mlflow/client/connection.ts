import { readFileSync } from 'node:fs'
import { InputError } from 'ockham'

/** How a server is reached. What is not given comes from MLflow's environment variables. */
export interface ClientOptions {
  /** `MLFLOW_TRACKING_URI`; user and password may stand in it. */
  readonly uri?: string
  /** `MLFLOW_TRACKING_TOKEN`; where it is set, user and password are not used. */
  readonly token?: string
  /** `MLFLOW_TRACKING_USERNAME`. */
  readonly username?: string
  /** `MLFLOW_TRACKING_PASSWORD`. */
  readonly password?: string
  /** File of certificates (PEM) that are trusted beside nothing else: `MLFLOW_TRACKING_SERVER_CERT_PATH`. */
  readonly ca?: string
  /** File with the client's certificate and key (PEM): `MLFLOW_TRACKING_CLIENT_CERT_PATH`. */
  readonly certificate?: string
  /** Trusts every certificate: `MLFLOW_TRACKING_INSECURE_TLS`. */
  readonly insecure?: boolean
  /** Seconds that an answer may take: `MLFLOW_HTTP_REQUEST_TIMEOUT`, else 120. */
  readonly timeout?: number
  /** Times that a request is repeated after a transient failure: `MLFLOW_HTTP_REQUEST_MAX_RETRIES`, else 5. */
  readonly retries?: number
  /** Seconds before the first repetition, doubled each time up to 30: `MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR`, else 1. */
  readonly backoff?: number
  /** Headers of each request, for signatures and tokens that change. */
  readonly headers?: () => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>
}

/** Options and environment, settled. */
export interface Connection {
  /** Without user, password and trailing slash; a path is kept. */
  readonly base: string
  readonly authorization: string | undefined
  readonly tls: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer; readonly rejectUnauthorized?: false }
  readonly timeout: number
  readonly retries: number
  readonly backoff: number
  readonly headers: NonNullable<ClientOptions['headers']>
}

/** Where MLflow's own `mlflow server` listens. */
const defaultUri = 'http://127.0.0.1:5000'

function readPem(file: string | undefined, where: string): Buffer | undefined {
  if (!file) return undefined
  try {
    return readFileSync(file)
  } catch (cause) {
    throw new InputError({ code: 'OCK-MLFLOW-009', what: `cannot read '${file}'`, where, remedy: 'name a PEM file' }, { cause })
  }
}

function addressOf(uri: string): URL {
  const url = URL.canParse(uri) ? new URL(uri) : undefined
  if (url && /^https?:$/.test(url.protocol)) return url
  throw new InputError({
    code: 'OCK-MLFLOW-010',
    what: `'${uri.replace(/\/\/[^@/]*@/, '//…@')}' is not the address of a tracking server`,
    where: 'MLFLOW_TRACKING_URI',
    remedy: 'start `mlflow server` over that store, and give its http:// or https:// address',
  })
}

const positive = (text: string | undefined): number | undefined => (text !== undefined && Number(text) >= 0 ? Number(text) : undefined)

/** Settles how a server is reached. Errors: `OCK-MLFLOW-009`, `-010`. */
export function connect(options: ClientOptions, env: NodeJS.ProcessEnv = process.env): Connection {
  const url = addressOf(options.uri ?? env['MLFLOW_TRACKING_URI'] ?? defaultUri)
  const username = options.username ?? (decodeURIComponent(url.username) || env['MLFLOW_TRACKING_USERNAME'])
  const password = options.password ?? (decodeURIComponent(url.password) || env['MLFLOW_TRACKING_PASSWORD'])
  // What is given in code goes before the environment, and a token before a password.
  const token = options.token ?? (options.username === undefined && !url.username ? env['MLFLOW_TRACKING_TOKEN'] : undefined)
  const basic = username && password !== undefined ? `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` : undefined
  const ca = readPem(options.ca ?? env['MLFLOW_TRACKING_SERVER_CERT_PATH'], 'MLFLOW_TRACKING_SERVER_CERT_PATH')
  const own = readPem(options.certificate ?? env['MLFLOW_TRACKING_CLIENT_CERT_PATH'], 'MLFLOW_TRACKING_CLIENT_CERT_PATH')
  const insecure = options.insecure ?? env['MLFLOW_TRACKING_INSECURE_TLS'] === 'true'
  return {
    base: `${url.origin}${url.pathname.replace(/\/+$/, '')}`,
    authorization: token ? `Bearer ${token}` : basic,
    tls: { ...(ca && { ca }), ...(own && { cert: own, key: own }), ...(insecure && { rejectUnauthorized: false as const }) },
    timeout: options.timeout ?? positive(env['MLFLOW_HTTP_REQUEST_TIMEOUT']) ?? 120,
    retries: options.retries ?? positive(env['MLFLOW_HTTP_REQUEST_MAX_RETRIES']) ?? 5,
    backoff: options.backoff ?? positive(env['MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR']) ?? 1,
    headers: options.headers ?? (() => ({})),
  }
}
