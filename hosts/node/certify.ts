import { join } from 'node:path'
import {
  execute,
  fromPlain,
  hostKey,
  InputError,
  memoryStore,
  PlacedRun,
  problemOf,
  Reference,
  RunError,
  type Certificate,
  type CheckedRun,
  type Engine,
  type Fault,
  type Json,
  type PipelineSpec,
  type Place,
  type Posterior,
  type Problem,
  type Run,
} from 'ockham'
import { claimOf, readMessage, specBeside, writeMessage, type Claim } from './message.js'
import { disposeAll, prepare, workOf, type Prepared } from './prepare.js'
import { readPosterior, writeCertificates } from './record.js'
import { readYaml } from './yaml.js'

/** What certifying needs of its host. */
interface Around {
  readonly engine: Engine
  check(spec: PipelineSpec): Promise<readonly CheckedRun[]>
}

/** By which spec a message is decoded: `spec.yaml` beside it unless given, changed where the data lies elsewhere. */
export interface Decoded {
  readonly spec?: string
  readonly change?: (plain: Json) => Promise<Json>
}

/** What `ockham certify` found. */
export interface Certified {
  /** The message that was written or read. */
  readonly file: string
  readonly bits: number
  readonly certificates: readonly Certificate[]
  /** What the file says beside what was found, one entry a bound; empty where the file was only written. */
  readonly compared: readonly Compared[]
  /** Whether all that was compared agrees. */
  readonly agrees: boolean
}

export interface Compared {
  readonly claimed: Claim
  readonly found: Claim | undefined
  readonly agrees: boolean
}

/** Name of a component in a spec. */
const nameOf = (use: unknown): unknown =>
  use instanceof Reference ? use.name : typeof use === 'object' && use !== null ? (use as { use?: unknown }).use : use

/** Bounds by a message, of labels and of tokens. */
const messageBounds: readonly unknown[] = ['compression', 'text-compression']

/** The spec of a run that can be certified: one run, with a bound that measures a message. */
interface Certifiable {
  readonly spec: PipelineSpec
  readonly where: string
  /** Where the bound stands if it was added; absent where the spec has its own. */
  readonly added?: string
}

/** A spec with the bound that measures its message, where it has none of its own. Throws `OCK-CERT-003` for one of several runs. */
function withBound(plain: Json, where: string): Certifiable {
  const spec = fromPlain(plain) as PipelineSpec & { bounds?: readonly unknown[]; variants?: unknown; seeds?: unknown }
  if (spec.variants !== undefined || spec.seeds !== undefined)
    throw new InputError({
      code: 'OCK-CERT-003',
      what: 'the spec stands for several runs',
      where,
      remedy: 'give the spec.yaml of one of them: it lies below children/',
    })
  const bounds = spec.bounds ?? []
  const own = bounds.some((bound) => messageBounds.includes(nameOf(bound)))
  const lacking = new Reference(nameOf(spec.objective) === 'next-token' ? 'text-compression' : 'compression', {})
  return {
    spec: { ...spec, bounds: own ? bounds : [...bounds, lacking], evaluations: [] } as PipelineSpec,
    where,
    ...(!own && { added: `bounds.${bounds.length}` }),
  }
}

/** Composes a spec with its data, does something with the problem, and disposes of it. */
async function composed<T>(certifiable: Certifiable, { check }: Around, work: (run: Prepared) => Promise<T>): Promise<T> {
  const prepared = await prepare(await check(certifiable.spec).catch((error: unknown) => refuse(error, certifiable)))
  try {
    return await work(prepared[0]!)
  } finally {
    await disposeAll(prepared)
  }
}

/** That what was learnt has no message is said of the run, not of a bound that its spec does not have. */
function refuse(error: unknown, { added, where }: Certifiable): never {
  const lacks = (problem: Fault): boolean =>
    problem.code === 'OCK-SPEC-023' && problem.where === added && problem.what.includes("'message' of the inference")
  throw error instanceof InputError && error.problems.some(lacks) ? noMessage(where) : error
}

/** Where the run's work is done again: the same keys, and nothing kept. */
const placeOf = (run: Prepared, { engine }: Around): Place => ({
  key: hostKey(run.composition.seed),
  engine,
  signal: new AbortController().signal,
  store: memoryStore(),
  path: [],
  timings: {},
  record: () => undefined,
})

/** The run's bounds on a posterior. */
async function certificates(run: Prepared, posterior: Posterior, around: Around): Promise<readonly Certificate[]> {
  const given = { infer: () => Promise.resolve(posterior), restore: () => posterior }
  return (await execute({ ...workOf(run, undefined), inference: given }, placeOf(run, around))).certificates
}

/** What the inference of a run is given there. */
const inferring = (place: Place): Run => new PlacedRun({ ...place, key: place.key.fold('inference'), path: ['inference'] })

const problem = (run: Prepared): Problem => problemOf(workOf(run, undefined))

const noMessage = (where: string): InputError =>
  new InputError({
    code: 'OCK-CERT-004',
    what: 'what was learnt has no message that could rebuild it',
    where,
    remedy: 'learn with { use: quantised, after: … } in a model of few parameters ({ use: subspace, … })',
  })

/** Bounds a finished run from the message of its model, and writes that message and the page of certificates into its folder. */
export async function certifyRun(folder: string, around: Around): Promise<Certified> {
  const where = join(folder, 'spec.yaml')
  return composed(withBound(readYaml(where), where), around, async (run) => {
    const posterior = await run.composition.inference.restore(readPosterior(folder).saved, problem(run))
    const { message } = posterior
    if (!message) throw noMessage(folder)
    const found = await certificates(run, posterior, around)
    writeCertificates(folder, found)
    return { file: writeMessage(folder, message, found), bits: message.bits, certificates: found, compared: [], agrees: true }
  })
}

/** Numbers that a different order of additions may change in the last digits, and a different model not. */
const same = (a: number | null, b: number | null): boolean =>
  a === null || b === null ? a === b : Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(a), Math.abs(b))

function compare(claims: readonly Claim[], found: readonly Claim[]): Compared[] {
  return claims.map((claimed, i) => {
    const other = found[i]
    const agrees =
      other !== undefined &&
      other.bound === claimed.bound &&
      other.quantity === claimed.quantity &&
      (['risk', 'value', 'trivial', 'confidence'] as const).every((name) => same(claimed[name], other[name]))
    return { claimed, found: other, agrees }
  })
}

/**
 * Rebuilds a model from its message and the spec, evaluates it again on the data, and compares risk and bounds with what the file claims.
 * Nothing that the message says is learnt again, and nothing else of the run is read.
 */
export async function decodeMessage(file: string, { spec, change }: Decoded, around: Around): Promise<Certified> {
  const { bytes, side, claims } = readMessage(file)
  const where = spec ?? specBeside(file)
  const plain = readYaml(where)
  return composed(withBound(change ? await change(plain) : plain, where), around, async (run) => {
    const { inference } = run.composition
    if (!inference.decode) throw noMessage(where)
    const posterior = await inference.decode(bytes, problem(run), inferring(placeOf(run, around)))
    const { message } = posterior
    if (!message) throw noMessage(where)
    for (const [name, digest] of Object.entries(side))
      if (message.side[name] !== digest)
        throw new RunError({
          code: 'OCK-CERT-005',
          what: `the ${name} that the decoder makes from the spec is not that of the run`,
          where,
          remedy: 'give the spec.yaml of the run that wrote the message, and the version of Ockham that ran it',
        })
    const found = await certificates(run, posterior, around)
    const compared = compare(claims, found.map(claimOf))
    const agrees = compared.length > 0 && compared.every((c) => c.agrees)
    return { file, bits: message.bits, certificates: found, compared, agrees }
  })
}
