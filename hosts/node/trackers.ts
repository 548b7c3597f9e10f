import { InputError, Problems, Reference, type Registry, type Tracker, type Use } from 'ockham'

/** Trackers from what a host was given: instances, and references that the registry resolves. All problems at once. */
export async function createTrackers(registry: Registry, uses: readonly Use<'tracker'>[]): Promise<Tracker[]> {
  const problems = new Problems()
  const trackers: Tracker[] = []
  for (const [i, given] of uses.entries()) {
    const one = async (): Promise<Tracker> => {
      const held: unknown = given
      return held instanceof Reference ? create(registry, held, `trackers.${i}`) : (held as Tracker)
    }
    const tracker = await problems.during(one)
    if (tracker) trackers.push(tracker)
  }
  problems.check()
  return trackers
}

async function create(registry: Registry, { name, options }: Reference, where: string): Promise<Tracker> {
  const component = await registry.component(name, ['tracker'])
  if (component.kind !== 'tracker')
    throw new InputError({
      code: 'OCK-SPEC-021',
      what: `'${name}' is a ${component.kind}, not a tracker`,
      where,
      remedy: `choose one of ${registry
        .list('tracker')
        .map((l) => l.name)
        .join(', ')}`,
    })
  const parsed = component.options.safeParse(options)
  if (!parsed.success)
    throw new InputError(
      parsed.error.issues.map((issue) => ({ code: 'OCK-SPEC-022', what: issue.message, where: [where, ...issue.path].join('.') })),
    )
  return (await component.create(parsed.data as never, {})) as Tracker
}
