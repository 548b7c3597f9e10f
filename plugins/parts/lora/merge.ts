import { InputError, type Value, type Variables } from 'ockham'

/** Names of the layers that variables adapt. */
const layersOf = ({ params, frozen }: Variables<Value>): string[] =>
  [...Object.keys(params), ...Object.keys(frozen)].filter((n) => n.endsWith('.lora.a')).map((n) => n.slice(0, -'.lora.a'.length))

/** W + factor A B [in, out], the product summed at double precision. */
function shifted(w: Value, a: Value, b: Value, factor: number): Value {
  const [inputs, rank] = a.shape as [number, number]
  const outputs = b.shape[1]!
  const data = Float32Array.from(w.data)
  const row = new Float64Array(outputs)
  for (let i = 0; i < inputs; i++) {
    row.fill(0)
    for (let k = 0; k < rank; k++) {
      const x = factor * a.data[i * rank + k]!
      for (let j = 0; j < outputs; j++) row[j]! += x * b.data[k * outputs + j]!
    }
    for (let j = 0; j < outputs; j++) data[i * outputs + j]! += row[j]!
  }
  return { ...w, data }
}

function moved(vars: Variables<Value>, sign: 1 | -1, adapters: Readonly<Record<string, Value>>, scale: number): Record<string, Value> {
  const base: Record<string, Value> = { ...vars.frozen, ...vars.params }
  for (const layer of layersOf({ params: adapters, frozen: {}, state: {} })) {
    const name = `${layer}.kernel`
    if (!base[name])
      throw new InputError({
        code: 'OCK-LORA-002',
        what: 'an adapted head that is tied to the token table cannot be merged into it: the embedding would change',
        where: layer,
        remedy: 'keep the adapters beside the base, or leave the head out of the targets',
      })
    base[name] = shifted(base[name], adapters[`${layer}.lora.a`]!, adapters[`${layer}.lora.b`]!, sign * scale)
  }
  return Object.fromEntries(Object.entries(base).filter(([n]) => !/\.lora\.[ab]$/.test(n)))
}

/**
 * The base's own variables with the products in them, W + (α / r) A B: the same function without adapters. Throws `OCK-LORA-002` where a head
 * that is tied to the token table is adapted: the table cannot hold the product without changing the embedding.
 */
export function merged(vars: Variables<Value>, { alpha, rank }: { readonly alpha: number; readonly rank: number }): Variables<Value> {
  return { params: moved(vars, 1, { ...vars.frozen, ...vars.params }, alpha / rank), frozen: {}, state: vars.state }
}

/** What {@link merged} was made of: the base's variables frozen again, the adapters as given. */
export function unmerged(
  vars: Variables<Value>,
  adapters: Readonly<Record<string, Value>>,
  { alpha, rank }: { readonly alpha: number; readonly rank: number },
): Variables<Value> {
  return { params: adapters, frozen: moved(vars, -1, adapters, alpha / rank), state: vars.state }
}
