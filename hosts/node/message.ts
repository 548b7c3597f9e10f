import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { InputError, RunError, type Certificate, type Message } from 'ockham'
import { z } from 'zod'
import { writeDurably } from '../../plugins/services/journal/index.js'

/** Name of the file in a run's folder. */
export const messageFile = 'message.bin'

/** What a file begins with; its last byte is the version. */
const magic = Uint8Array.from([0x4f, 0x43, 0x4b, 0x4d, 0x53, 0x47, 0x00, 0x01])

/** A message as it lies in a file, with what was said of the model that it decodes to. The decoder needs `bytes` alone. */
export interface Filed {
  readonly bytes: Uint8Array
  readonly side: Readonly<Record<string, string>>
  /** By the label of the bound in the run. */
  readonly claims: readonly Claim[]
}

export interface Claim extends Pick<Certificate, 'bound' | 'quantity' | 'value' | 'trivial' | 'confidence'> {
  /** The observed risk; null where the bound has none. */
  readonly risk: number | null
}

/** What the head of a file must hold. */
const headed = z.object({
  sha256: z.string(),
  side: z.record(z.string(), z.string()),
  claims: z.array(
    z.object({
      bound: z.string(),
      quantity: z.string(),
      value: z.number(),
      trivial: z.number(),
      confidence: z.number(),
      risk: z.number().nullable(),
    }),
  ),
})

export const claimOf = ({ bound, quantity, value, trivial, confidence, terms }: Certificate): Claim => ({
  bound,
  quantity,
  value,
  trivial,
  confidence,
  risk: terms['rate'] ?? null,
})

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/**
 * Writes `message.bin`: eight bytes of name and version, the length of a JSON head (four bytes, little-endian), the head, and the message.
 * The head is for people and checks, and not part of the description: digest of the message, side information, certificates.
 */
export function writeMessage(folder: string, message: Message, certificates: readonly Certificate[]): string {
  const head = new TextEncoder().encode(
    JSON.stringify({ sha256: sha256(message.bytes), bits: message.bits, side: message.side, claims: certificates.map(claimOf) }),
  )
  const file = new Uint8Array(magic.length + 4 + head.length + message.bytes.length)
  file.set(magic)
  new DataView(file.buffer).setUint32(magic.length, head.length, true)
  file.set(head, magic.length + 4)
  file.set(message.bytes, magic.length + 4 + head.length)
  const path = join(folder, messageFile)
  writeDurably(path, file)
  return path
}

const damaged = (file: string, what: string): RunError =>
  new RunError({ code: 'OCK-CERT-002', what, where: file, remedy: 'fetch the file again, or make it again with ockham certify RUN' })

/** Reads what {@link writeMessage} wrote. Throws `OCK-CERT-001` where there is no file, `-002` for one that is damaged. */
export function readMessage(file: string): Filed {
  const found = statSync(file, { throwIfNoEntry: false })
  if (!found?.isFile())
    throw new InputError({
      code: 'OCK-CERT-001',
      what: found ? `'${file}' is no file` : `there is no file '${file}'`,
      where: '--decode',
      remedy: 'give the message.bin of a run; ockham certify RUN writes it',
    })
  const all = new Uint8Array(readFileSync(file))
  if (all.length < magic.length + 4 || magic.some((b, i) => all[i] !== b)) throw damaged(file, 'this is no message of a model')
  const start = magic.length + 4
  const end = start + new DataView(all.buffer, all.byteOffset).getUint32(magic.length, true)
  const { sha256: digest, side, claims } = headOf(all.subarray(start, end), file)
  const bytes = all.slice(end)
  if (digest !== sha256(bytes)) throw damaged(file, 'the message is not the one that its head speaks of')
  return { bytes, side, claims }
}

function headOf(bytes: Uint8Array, file: string): z.output<typeof headed> {
  try {
    return headed.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)))
  } catch {
    throw damaged(file, 'the head of the message cannot be read')
  }
}

/** `spec.yaml` beside a message. Throws `OCK-CERT-007` where there is none. */
export function specBeside(file: string): string {
  const spec = join(dirname(file), 'spec.yaml')
  if (statSync(spec, { throwIfNoEntry: false })?.isFile()) return spec
  throw new InputError({
    code: 'OCK-CERT-007',
    what: 'there is no spec.yaml beside the message',
    where: dirname(file),
    remedy: 'put the spec.yaml of the run there, or name it with --spec',
  })
}
