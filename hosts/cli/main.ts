import { Command } from 'commander'
import { InputError, Interrupted, OckhamError } from 'ockham'
import { versions } from '../node/versions.js'
import { calibrate } from './commands/calibrate.js'
import { certify } from './commands/certify.js'
import { compare } from './commands/compare.js'
import { exporting } from './commands/export.js'
import { generate } from './commands/generate.js'
import { lists } from './commands/lists.js'
import { mlflow } from './commands/mlflow.js'
import { resume } from './commands/resume.js'
import { run } from './commands/run.js'
import { exit } from './with-host.js'

/** The commands in the order of `ockham --help`. */
const commands: readonly ((program: Command) => void)[] = [run, resume, calibrate, certify, generate, exporting, mlflow, compare, lists]

function program(): Command {
  const ockham = new Command('ockham').description('Probabilistic, robust and certified deep learning').version(versions()['ockham']!)
  for (const add of commands) add(ockham)
  return ockham
}

/** The command line. Errors go to standard error with their codes. */
export async function main(argv: readonly string[]): Promise<void> {
  // A reader that has seen enough (`ockham runs | head`) is no fault.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(0)
  })
  const ockham = program()
  for (const command of [ockham, ...ockham.commands]) command.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : exit.input))
  try {
    await ockham.parseAsync(argv)
  } catch (error) {
    process.exitCode = error instanceof Interrupted ? exit.interrupted : error instanceof InputError ? exit.input : exit.failed
    process.stderr.write(
      `${error instanceof OckhamError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    )
  }
}
