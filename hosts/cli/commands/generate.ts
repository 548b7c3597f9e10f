import { InvalidArgumentError, type Command } from 'commander'
import { hostKey, InputError } from 'ockham'
import type { Language } from '../../node/served.js'
import { collect, common, whole, type Common } from '../flags.js'
import { withHost } from '../with-host.js'

interface Flags extends Common {
  readonly prompt: readonly string[]
  readonly tokens?: number
  readonly temperature: number
  readonly topK?: number
  readonly topP?: number
  readonly repetitionPenalty?: number
  readonly stop: readonly string[]
  readonly samples: number
  readonly seed: number
  readonly score?: string
}

const line = (text: string): void => void process.stdout.write(`${text}\n`)

function number(text: string): number {
  const n = Number(text)
  if (text.trim() === '' || !Number.isFinite(n)) throw new InvalidArgumentError('expected a number')
  return n
}

/** `\n` and `\t` as they are meant in a shell that passes them on as two characters. */
const meant = (text: string): string => text.replaceAll('\\n', '\n').replaceAll('\\t', '\t')

/** The first n tokens of a text; of a long one, no more is cut into tokens than is needed. */
function first({ tokenizer }: Language, text: string, n: number | undefined): Int32Array {
  if (n === undefined) return tokenizer.encode(text)
  const enough = text.slice(0, 16 * n + 4096)
  const ids = tokenizer.encode(enough)
  // The last tokens before a cut may be others than those of the whole text.
  return (enough.length === text.length || ids.length > n + 256 ? ids : tokenizer.encode(text)).slice(0, n)
}

async function score(language: Language, file: string, { tokens, json }: Flags): Promise<void> {
  const [{ pieces }, { score: judged }] = await Promise.all([
    import('../../../plugins/parts/text/index.js'),
    import('../../../plugins/parts/gpt/index.js'),
  ])
  const { tokenizer, served } = language
  const ids = first(language, [...pieces(file)].join(''), tokens)
  if (ids.length < 2)
    throw new InputError({ code: 'OCK-TEXT-002', what: 'the text has fewer than two tokens', where: file, remedy: 'give a longer one' })
  const nll = (await judged(served, ids)).reduce((a, b) => a + b, 0)
  const shown = (part: Int32Array): number => Buffer.byteLength(tokenizer.decode(part, { marks: true }), 'utf8')
  const found = {
    tokens: ids.length,
    nllPerToken: nll / (ids.length - 1),
    bitsPerByte: nll / Math.LN2 / (shown(ids) - shown(ids.slice(0, 1))),
  }
  if (json) return void line(JSON.stringify(found))
  line(`tokens         ${found.tokens}`)
  line(`nats a token   ${found.nllPerToken.toFixed(6)}`)
  line(`perplexity     ${Math.exp(found.nllPerToken).toFixed(4)}`)
  line(`bits a byte    ${found.bitsPerByte.toFixed(4)}`)
}

/** Ids of a prompt; an empty one is the mark that begins texts. */
function promptOf({ tokenizer, begin }: Language, text: string): number[] {
  const ids = Array.from(tokenizer.encode(text))
  const mark = begin ?? (ids.length === 0 ? (tokenizer.begin ?? tokenizer.end) : undefined)
  return mark === undefined ? ids : [mark, ...ids]
}

async function write(language: Language, flags: Flags, signal: AbortSignal): Promise<void> {
  const { generate: go } = await import('../../../plugins/parts/gpt/index.js')
  const { tokens = 64, temperature, topK, topP, repetitionPenalty, stop, samples, seed, json } = flags
  const given = flags.prompt.length === 0 ? [''] : flags.prompt.map(meant)
  const texts = given.flatMap((text) => Array.from({ length: samples }, () => text))
  const prompts = texts.map((text) => promptOf(language, text))
  // One text is written as it comes; several cannot share a terminal.
  const streams = !json && texts.length === 1
  const shown: string[] = []
  const show = (text: string): void => {
    // The prompt once its text begins, so that an error stands alone.
    const news = shown.length === 0 ? `${texts[0]!}${text}` : text
    process.stdout.write(news)
    shown.push(news)
  }
  const begun = performance.now()
  const rows = await go(language.served, {
    prompts,
    tokens,
    tokenizer: language.tokenizer,
    temperature,
    stop: stop.map(meant),
    key: hostKey(seed).fold('generate'),
    signal,
    ...(topK !== undefined && { topK }),
    ...(topP !== undefined && { topP }),
    ...(repetitionPenalty !== undefined && { repetitionPenalty }),
    ...(streams && { emit: (_: number, text: string) => show(text) }),
  })
  const seconds = (performance.now() - begun) / 1000
  const texted = rows.map((row, i) => ({ prompt: texts[i]!, ...row }))
  if (json) return void line(JSON.stringify({ texts: texted, tokens: rows.reduce((n, row) => n + row.tokens.length, 0), seconds }))
  if (streams) {
    if (shown.length === 0) show('')
    return void line('')
  }
  for (const { prompt, text } of texted) line(`${prompt}${text}`)
}

async function start(name: string, flags: Flags): Promise<void> {
  if (flags.score !== undefined && flags.prompt.length > 0)
    throw new InputError({
      code: 'OCK-GPT-007',
      what: 'a file to score and a prompt were given',
      where: 'ockham generate',
      remedy: 'give --score or --prompt',
    })
  if (flags.score !== undefined && flags.tokens === 1)
    throw new InputError({ code: 'OCK-TEXT-002', what: 'the first token is not scored', where: '--tokens', remedy: 'give at least 2' })
  await withHost(flags, async (host, signal) => {
    const { languageOf } = await import('../../node/served.js')
    const language = await languageOf(name, host)
    await (flags.score === undefined ? write(language, flags, signal) : score(language, flags.score, flags))
  })
}

/** `generate`: text that goes on from prompts, or how well a text is predicted. */
export function generate(program: Command): void {
  common(
    program
      .command('generate')
      .description('go on from a text with a decoder, or score a text file')
      .argument('<model>', 'a run (folder or id), or published weights: a GGUF file, safetensors with config.json, a folder of these'),
  )
    .option('--prompt <text>', 'text to go on from; \\n is a line end (repeatable: a batch)', collect, [] as readonly string[])
    .option('--tokens <n>', 'most tokens added (default: 64); with --score, tokens of the file that are scored (default: all)', whole(1))
    .option('--temperature <t>', 'logits are divided by it; 0 takes the likeliest token', number, 0)
    .option('--top-k <k>', 'only the k likeliest tokens', whole(1))
    .option('--top-p <p>', 'only the likeliest tokens that together reach p', number)
    .option('--repetition-penalty <r>', 'above 1, tokens that are there already become less likely', number)
    .option('--stop <text>', 'ends what is added, and is left out of it (repeatable)', collect, [] as readonly string[])
    .option('--samples <n>', 'texts a prompt', whole(1), 1)
    .option('--seed <n>', 'of the draws', whole(0), 0)
    .option('--score <file>', 'nats a token and bits a byte of a text file')
    .action(start)
}
