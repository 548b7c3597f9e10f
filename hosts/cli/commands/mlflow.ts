import type { Command } from 'commander'
import { inputsOf } from 'ockham'
import { findFolder } from '../../node/folder.js'
import type { Host } from '../../node/index.js'
import { common, reading, type Common } from '../flags.js'
import { withHost } from '../with-host.js'

const line = (text: string) => void process.stdout.write(`${text}\n`)

/** Brings what a run has kept for MLflow to the server. */
async function bring(
  run: string,
  { out, uri, json }: { readonly out: string; readonly uri?: string; readonly json?: true },
): Promise<void> {
  const { sync: deliver } = await import('../../../plugins/services/mlflow/index.js')
  const done = await deliver(findFolder(run, out), uri === undefined ? {} : { uri })
  if (json) return void line(JSON.stringify(done))
  const what =
    done.sent === 0 ? 'already had all of it' : `got ${done.sent} bytes of ${done.folders.length} run${done.folders.length > 1 ? 's' : ''}`
  line(`${done.uri} ${what}${done.refused > 0 ? `; it refused ${done.refused} parts, kept in mlflow.refused.jsonl` : ''}`)
}

/** Fetches a model and shows that it can be served: what it is, and what it takes. */
async function fetchAndSay(host: Host, source: string, json: boolean | undefined): Promise<void> {
  const { folder, meta, posterior } = await host.load(source)
  const inputs = inputsOf(meta.shapes)
  const { kind, values } = posterior.save()
  const numbers = Object.values(values).reduce((n, v) => n + v.data.length, 0)
  if (json) return void line(JSON.stringify({ folder, kind, numbers, task: meta.task, inputs, classes: meta.classes ?? null }))
  line(`posterior  ${kind}, ${numbers} numbers`)
  line(`task       ${meta.task}${meta.classes ? `: ${meta.classes.length} classes` : ''}`)
  for (const [name, { shape, dtype }] of Object.entries(inputs)) line(`input      ${name} ${dtype} [${['n', ...shape].join(', ')}]`)
  line(`folder     ${folder}`)
}

/** `load` and `sync`: models and runs from and to a server. */
export function mlflow(program: Command): void {
  common(
    program
      .command('load')
      .description('fetch a model, or a run, and say what it takes')
      .argument('<source>', 'models:/name@alias, models:/name/version, or a run'),
  ).action((source: string, flags: Common) => withHost(flags, (host) => fetchAndSay(host, source, flags.json)))
  reading(program.command('sync').description('bring what a run has kept for MLflow to the server').argument('<run>', 'folder or id'))
    .option('--uri <address>', 'of the server (default: MLFLOW_TRACKING_URI, else the one the run was meant for)')
    .action(bring)
}
