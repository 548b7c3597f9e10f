import type { Command } from 'commander'
import { common, whole, type Common } from '../flags.js'
import { withHost } from '../with-host.js'

interface Flags extends Common {
  readonly batch?: number
}

const line = (text: string) => void process.stdout.write(`${text}\n`)

/** Writes what a run learnt as a file for ONNX Runtime, and says what the file takes and gives. */
async function write(run: string, file: string, flags: Flags): Promise<void> {
  const { exportRun } = await import('../../node/export.js')
  const { writeDurably } = await import('../../../plugins/services/journal/index.js')
  await withHost(flags, async (host) => {
    const made = await exportRun(host, run, flags.batch === undefined ? {} : { batch: flags.batch })
    const { bytes, ...about } = made
    writeDurably(file, bytes)
    if (flags.json) return void line(JSON.stringify({ file, bytes: bytes.length, ...about }))
    line(`file       ${file}, ${bytes.length} bytes`)
    for (const [name, shape] of Object.entries(about.inputs)) line(`input      ${name} [${shape.join(', ')}]`)
    line(`outputs    ${about.outputs.join(', ')}`)
    line(`difference ${about.difference.toExponential(1)} from predict, at most, on rows of noise`)
  })
}

/** `export`: a model with its predictive head as an ONNX file. */
export function exporting(program: Command): void {
  common(
    program
      .command('export')
      .description('write what a run learnt as an ONNX file that predicts as the run does')
      .argument('<run>', 'folder or id, or models:/name@alias')
      .argument('<file>', 'the .onnx file to write'),
  )
    .option('--batch <n>', 'rows that the file takes at a call (default: any number)', whole(1))
    .action(write)
}
