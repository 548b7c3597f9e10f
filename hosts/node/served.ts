import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { InputError } from 'ockham'
import { isDecoder, openPublished, servePublished, type Served } from '../../plugins/parts/gpt/index.js'
import { describedTokenizer, type Tokenizer } from '../../plugins/parts/tokenizers/index.js'
import type { Host } from './host.js'

/** A decoder with its tokenizer. */
export interface Language {
  readonly served: Served
  readonly tokenizer: Tokenizer
  /** Token that each text begins with: the mark between documents, where the decoder learnt whole documents. */
  readonly begin?: number
}

/** Whether a name is that of published weights rather than of a run. */
function isPublished(name: string): boolean {
  if (/\.(gguf|safetensors|json)$/.test(name)) return true
  if (!existsSync(name)) return false
  return statSync(name).isFile() || ['config.json', 'model.safetensors'].some((file) => existsSync(join(name, file)))
}

async function published(path: string, { engine }: Host): Promise<Language> {
  const file = openPublished(path)
  const tokenizer = ((): Tokenizer => {
    try {
      return file.tokenizer()
    } finally {
      file.close()
    }
  })()
  return { served: await servePublished(path, engine), tokenizer }
}

async function learnt(run: string, host: Host): Promise<Language> {
  const { posterior, problem, meta, folder } = await host.load(run)
  const { model } = problem
  const refused = (what: string): InputError =>
    new InputError({ code: 'OCK-GPT-009', what, where: folder, remedy: 'name a run of the model gpt on the dataset text, or a model file' })
  if (!meta.text) throw refused('the run learnt from no text')
  if (!posterior.weights || !('apply' in model) || !isDecoder(model)) throw refused('the run learnt no decoder')
  const tokenizer = describedTokenizer(meta.text.tokenizer, `${folder}: tokenizer`)
  const marked = meta.unit === 'document' || (meta.text.tokenizer as { readonly end?: string }).end !== undefined
  const begin = marked ? (tokenizer.end ?? tokenizer.begin) : undefined
  const served = { model, vars: posterior.weights.point(), sizes: model.sizes(meta), engine: host.engine }
  return { served, tokenizer, ...(begin !== undefined && { begin }) }
}

/**
 * The decoder and tokenizer of a run, or of published weights: a GGUF file, safetensors with `config.json`, a folder of these.
 * Throws `OCK-GPT-009` for a run that learnt no decoder on text.
 */
export const languageOf = (name: string, host: Host): Promise<Language> => (isPublished(name) ? published(name, host) : learnt(name, host))
