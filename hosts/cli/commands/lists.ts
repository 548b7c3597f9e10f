import type { Command } from 'commander'
import { basename } from 'node:path'
import { defaultOut, findFolder, listRuns as runsBelow, readResult } from '../../node/folder.js'
import { generated, packageRegistry } from '../../node/registry.js'
import { writeDurably } from '../../../plugins/services/journal/index.js'
import { InputError, type Json } from 'ockham'
import { z } from 'zod'
import { jsonSchema } from '../../node/schema.js'
import { reading } from '../flags.js'
import { printResult, printTable, sayNumber } from '../print.js'

interface Flags {
  readonly out?: string
  readonly json?: true
}

const line = (text: string) => void process.stdout.write(`${text}\n`)

function listRuns({ out = defaultOut, json }: Flags): void {
  const rows = runsBelow(out).map(({ id, state, changed, result }) => ({
    run: id,
    state,
    changed: changed.toISOString(),
    children: Object.keys(result?.variants ?? {}).join(' '),
    accuracy: result?.values['test/accuracy'] === undefined ? '' : sayNumber(result.values['test/accuracy']),
  }))
  if (json) return line(JSON.stringify(rows))
  if (rows.length === 0) return line(`no runs in ${out}`)
  printTable(rows)
}

function showRun(run: string, { out = defaultOut, json }: Flags): void {
  const folder = findFolder(run, out)
  const result = readResult(folder)
  if (!result) throw new InputError({ code: 'OCK-RUN-013', what: 'the run is not finished', where: folder, remedy: `ockham resume ${run}` })
  if (json) return line(JSON.stringify(result))
  printResult(result, folder)
}

async function listPlugins(name: string | undefined, { json, schema: editors }: Flags & { readonly schema?: true }): Promise<void> {
  const registry = packageRegistry()
  if (editors)
    return void line(JSON.stringify(jsonSchema(await Promise.all(registry.list().map((c) => registry.component(c.name)))), null, 2))
  if (name === undefined) {
    const rows = registry.list().map(({ kind, name: n, plugin }) => ({ kind, name: n, plugin }))
    return json ? void line(JSON.stringify(rows)) : void printTable(rows)
  }
  const component = await registry.component(name)
  const schema = z.toJSONSchema(component.options, { unrepresentable: 'any', io: 'input' }) as {
    properties?: Record<string, Json>
    required?: string[]
  }
  const described = {
    name,
    kind: component.kind,
    about: component.about,
    plugin: registry.find(name)?.plugin ?? '',
    requires: component.requires ?? {},
    options: schema,
  }
  if (json) return void line(JSON.stringify(described))
  line(`${name}: ${component.kind}, ${described.plugin}\n${component.about}\n`)
  const options = Object.entries(schema.properties ?? {}).map(([option, s]) => {
    const {
      type,
      enum: choices,
      default: initial,
      description,
      slot,
    } = s as Record<string, Json> & { enum?: readonly (string | number)[]; slot?: readonly string[] }
    return {
      option,
      type: slot ? `a ${slot.join(' or ')}` : choices ? choices.join(' | ') : typeof type === 'string' ? type : '',
      default: initial === undefined ? (schema.required?.includes(option) ? 'required' : '') : JSON.stringify(initial),
      about: typeof description === 'string' ? description : '',
    }
  })
  if (options.length > 0) printTable(options)
  else line('no options')
}

function printRegistry({ write, check }: { readonly write?: true; readonly check?: true }): void {
  const files = generated()
  if (write) for (const { file, derived } of files) writeDurably(file, derived)
  else if (check) {
    const stale = files.filter(({ derived, written }) => derived !== written).map(({ file }) => basename(file))
    if (stale.length === 0) {
      line('registry.json is fresh')
      return
    }
    process.stderr.write(`${stale.join(' and ')} stale → ockham registry --write\n`)
    process.exitCode = 1
  } else process.stdout.write(files[0]!.derived)
}

/** `runs`, `show`, `plugins`, `registry`: what is there. */
export function lists(program: Command): void {
  reading(program.command('runs').description('list the runs')).action(listRuns)
  reading(program.command('show').description('print what a run found').argument('<run>', 'folder or id')).action(showRun)
  program
    .command('plugins')
    .description('list the components, or describe one')
    .argument('[name]')
    .option('--schema', 'print the JSON schema of specs, for editors')
    .option('--json')
    .action(listPlugins)
  program
    .command('registry')
    .description('print registry.json as the plugins say it')
    .option('--write', 'write it')
    .option('--check', 'exit 1 where it is stale')
    .action(printRegistry)
}
