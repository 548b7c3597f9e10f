import type { Json } from './contracts/index.js'
import type { Problems } from './errors.js'
import { kindOf, Reference } from './kinds.js'

/** Keys that would reach into JavaScript's own objects. */
const polluting = new Set(['__proto__', 'constructor', 'prototype'])

export const isPolluting = (key: string): boolean => polluting.has(key)

/** Whether something is a bare record: what JSON and object literals make. */
export const isPlain = (value: unknown): value is Record<string, unknown> => {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Adds `OCK-SPEC-013` for every polluting key at any depth of records, lists and references. */
export function refusePollution(value: unknown, problems: Problems, where = ''): void {
  if (Array.isArray(value)) for (const [i, v] of value.entries()) refusePollution(v, problems, `${where}.${i}`)
  const record = value instanceof Reference ? value.options : isPlain(value) ? value : {}
  for (const [key, v] of Object.entries(record)) {
    const at = where ? `${where}.${key}` : key
    if (isPolluting(key)) problems.add({ code: 'OCK-SPEC-013', what: `the key '${key}' is not allowed`, where: at, remedy: 'rename it' })
    else refusePollution(v, problems, at)
  }
}

/** SHA-256, hexadecimal, of UTF-8 text or bytes. */
export async function sha256(data: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = await globalThis.crypto.subtle.digest('SHA-256', typeof data === 'string' ? new TextEncoder().encode(data) : data)
  return Array.from(new Uint8Array(hash), (b) => b.toString(16).padStart(2, '0')).join('')
}

/** JSON with sorted keys: equal for equal data. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return typeof value === 'number' ? String(value) : JSON.stringify(value)
  const record = value as Readonly<Record<string, Json>>
  return `{${Object.keys(record)
    .sort()
    .map((k) => `${JSON.stringify(k)}:${canonical(record[k]!)}`)
    .join(',')}}`
}

/** What a digest of an object covers: its data and the source text of its functions, those of its class included. Closed-over variables are not seen. */
async function sources(value: unknown, seen = new Set<object>()): Promise<Json> {
  if (typeof value === 'function') return String(value)
  if (ArrayBuffer.isView(value)) return sha256(new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength))
  if (typeof value !== 'object' || value === null) return typeof value === 'number' || typeof value === 'boolean' ? value : String(value)
  if (seen.has(value)) return 'seen'
  seen.add(value)
  const found: Record<string, Json> = {}
  for (
    let at: object | null = value;
    at && at !== Object.prototype && at !== Array.prototype;
    at = Object.getPrototypeOf(at) as object | null
  )
    for (const [key, { value: member }] of Object.entries(Object.getOwnPropertyDescriptors(at)))
      if (key !== 'constructor' && !(key in found)) found[key] = await sources(member, seen)
  return found
}

/** An object as plain data: what kind it is, and a digest of its data and source text. */
export const inline = async (value: object, kind: string = kindOf(value) ?? 'object'): Promise<Json> => ({
  inline: kind,
  digest: await sha256(canonical(await sources(value))),
})

/** References become `{ use: name, ...options }`, objects `{ inline: kind, digest }`; undefined members are left out. */
export async function plainOf(value: unknown): Promise<Json> {
  if (value instanceof Reference) return { use: value.name, ...((await plainOf({ ...value.options })) as object) }
  if (Array.isArray(value)) return Promise.all(value.map(plainOf))
  if (typeof value === 'function' || (typeof value === 'object' && value !== null && (!isPlain(value) || kindOf(value))))
    return inline(value)
  if (!isPlain(value)) return (value ?? null) as Json
  const entries = Object.entries(value).filter(([, v]) => v !== undefined)
  return Object.fromEntries(await Promise.all(entries.map(async ([k, v]) => [k, await plainOf(v)] as const)))
}
