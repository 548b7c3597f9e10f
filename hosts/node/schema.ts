import { z } from 'zod'
import { runSchema, type Component, type Json } from 'ockham'

interface Schema {
  [member: string]: unknown
}

/** JSON schema of one zod schema; slots refer to `#/$defs/<kind>`. */
const plain = (schema: z.ZodType): Schema => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      const kinds = z.globalRegistry.get(zodSchema as unknown as z.ZodType)?.['slot'] as readonly string[] | undefined
      if (!kinds) return
      delete jsonSchema['slot']
      jsonSchema.anyOf = kinds.map((kind) => ({ $ref: `#/$defs/${kind}` }))
    },
  })
  return rest
}

/** JSON schema of `{ use: name, ...options }`. */
const using = ({ name, about, options }: Component): Schema => {
  const { properties = {}, required = [], ...rest } = plain(options) as { properties?: Schema; required?: string[] } & Schema
  return { ...rest, description: about, properties: { use: { const: name }, ...properties }, required: ['use', ...required] }
}

/** JSON schema of specs made of these components, for editors: names, kinds and options at any depth. */
export function jsonSchema(components: readonly Component[]): Json {
  const { properties, required, ...fields } = plain(runSchema)
  const uses = components.map((c) => ({ kind: c.kind, schema: using(c), bare: c.options.safeParse({}).success ? [c.name] : [] }))
  const text = JSON.stringify([properties, uses])
  const kinds = [...new Set(Array.from(text.matchAll(/"#\/\$defs\/([^"]+)"/g), (m) => m[1]!))].sort()
  const definitions = kinds.map((kind) => {
    const some = uses.filter((u) => u.kind === kind)
    return [kind, { anyOf: [{ type: 'string', examples: some.flatMap((u) => u.bare) }, ...some.map((u) => u.schema)] }] as const
  })
  const variant = { type: 'object', properties, additionalProperties: false }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    ...fields,
    properties: {
      ...(properties as Schema),
      variants: { type: 'object', description: 'child runs: what each changes', additionalProperties: variant },
      seeds: { type: 'array', description: 'one child run a seed, and a variant', items: { type: 'integer', minimum: 0 } },
    },
    anyOf: [{ required }, { required: ['variants'] }],
    $defs: Object.fromEntries(definitions),
  } as Json
}
