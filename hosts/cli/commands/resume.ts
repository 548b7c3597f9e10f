import type { Command } from 'commander'
import { recordedEngine } from '../../node/again.js'
import { providers, type EngineName } from '../../node/engines.js'
import { findFolder } from '../../node/folder.js'
import { common, tracked, watching, type Common } from '../flags.js'
import { printRecord } from '../print.js'
import { showProgress } from '../progress.js'
import { withHost } from '../with-host.js'

/** Resumes on the engine and threads that the run was started with, so that its bits go on. */
async function goOn(folder: string, flags: Common & { readonly track: readonly string[] }): Promise<void> {
  const recorded = recordedEngine(findFolder(folder, flags.out))
  const threads = recorded?.build['threads']
  const provider = recorded?.name === 'onnxruntime' ? providers.find((p) => p === recorded.build['provider']) : undefined
  const same = {
    ...(recorded && { engine: recorded.name as EngineName }),
    ...(typeof threads === 'number' && { threads }),
    ...(provider && provider !== 'cpu' && { provider }),
  }
  await withHost({ ...same, ...flags }, async (host, signal) => {
    printRecord(await host.resume(folder, { signal, listen: (events, name) => showProgress(events, name) }), flags.json)
  })
}

export function resume(program: Command): void {
  const command = program.command('resume').description('go on with a run that was killed or interrupted').argument('<run>', 'folder or id')
  watching(tracked(common(command))).action(goOn)
}
