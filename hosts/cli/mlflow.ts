import { findFolder } from '../node/folder.js'
import type { Host } from '../node/index.js'

const line = (text: string) => void process.stdout.write(`${text}\n`)

/** Brings what a run has kept for MLflow to the server. */
export async function sync(
  run: string,
  { out, uri, json }: { readonly out: string; readonly uri?: string; readonly json?: true },
): Promise<void> {
  const { sync: deliver } = await import('../../plugins/services/mlflow/index.js')
  const done = await deliver(findFolder(run, out), uri === undefined ? {} : { uri })
  if (json) return void line(JSON.stringify(done))
  const what =
    done.sent === 0 ? 'already had all of it' : `got ${done.sent} bytes of ${done.folders.length} run${done.folders.length > 1 ? 's' : ''}`
  line(`${done.uri} ${what}${done.refused > 0 ? `; it refused ${done.refused} parts, kept in mlflow.refused.jsonl` : ''}`)
}

/** Fetches a model and shows that it can be served: what it is, and what it takes. */
export async function load(host: Host, source: string, json: boolean | undefined): Promise<void> {
  const { folder, meta, posterior } = await host.load(source)
  const inputs = Object.fromEntries(Object.entries(meta.shapes).filter(([name]) => name === 'x' || name.startsWith('x.')))
  const { kind, values } = posterior.save()
  const numbers = Object.values(values).reduce((n, v) => n + v.data.length, 0)
  if (json) return void line(JSON.stringify({ folder, kind, numbers, task: meta.task, inputs, classes: meta.classes ?? null }))
  line(`posterior  ${kind}, ${numbers} numbers`)
  line(`task       ${meta.task}${meta.classes ? `: ${meta.classes.length} classes` : ''}`)
  for (const [name, { shape, dtype }] of Object.entries(inputs)) line(`input      ${name} ${dtype} [${['n', ...shape].join(', ')}]`)
  line(`folder     ${folder}`)
}
