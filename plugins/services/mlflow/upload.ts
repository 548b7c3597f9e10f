import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { RunError, type Json } from 'ockham'
import { renderSvg } from '../report/index.js'
import type { MlflowClient } from './client/index.js'
import type { Record as Line } from './record.js'
import type { Delivered } from './spool.js'

/** A figure as a Vega-Lite specification, and drawn, so that MLflow's page shows it. */
export async function uploadFigure(client: MlflowClient, root: string, path: string, spec: Json): Promise<void> {
  await client.artifacts.uploadText(root, `${path}.vl.json`, JSON.stringify(spec))
  await client.artifacts.uploadText(root, `${path}.svg`, await renderSvg(spec))
}

/** What tells MLflow's page and Python client that a folder is a model. */
const manifest = (model: { id: string; runId: string; root: string }, name: string, time: Date): string =>
  [
    `artifact_path: ${JSON.stringify(model.root)}`,
    'flavors:',
    '  ockham:',
    '    data: posterior.safetensors',
    '    spec: spec.yaml',
    `model_id: ${model.id}`,
    `model_uuid: ${model.id}`,
    `name: ${JSON.stringify(name)}`,
    `run_id: ${model.runId}`,
    `utc_time_created: '${time.toISOString().replace('T', ' ').replace('Z', '')}'`,
    '',
  ].join('\n')

/** A posterior and its spec as a logged model of a run, registered where a name is given. Gives the model's id. */
export async function uploadModel(
  client: MlflowClient,
  folder: string,
  line: Extract<Line, { kind: 'model' }>,
  runId: string,
  state: Delivered,
): Promise<string> {
  const missing = line.files.find((file) => !existsSync(join(folder, file)))
  if (missing !== undefined) throw new RunError({ code: 'OCK-MLFLOW-016', what: `the model has no ${missing}`, where: folder })
  const experimentId = state.experimentId ?? (await client.runs.get(runId)).experimentId
  const model = await made(client, line, runId, experimentId, state)
  for (const file of line.files) await client.artifacts.upload(model.artifactUri, basename(file), join(folder, file))
  await client.artifacts.uploadText(
    model.artifactUri,
    'MLmodel',
    manifest({ id: model.id, runId, root: model.artifactUri }, model.name, new Date()),
  )
  await client.models.finish(model.id)
  await client.runs.logOutputs(runId, [{ id: model.id, step: 0 }])
  if (line.register !== undefined) {
    const [name = '', alias] = line.register.split('@')
    const { version } = await client.registry.register(name, { source: model.artifactUri, runId, modelId: model.id })
    if (alias !== undefined) await client.registry.setAlias(name, alias, version)
  }
  return model.id
}

/** The logged model made when an answer was lost, or a new one. */
async function made(client: MlflowClient, line: Extract<Line, { kind: 'model' }>, runId: string, experimentId: string, state: Delivered) {
  const known = state.models[line.key]
  if (known !== undefined) return client.models.get(known)
  for await (const model of client.models.search([experimentId], `tags.\`ockham.key\` = '${line.key}'`)) return model
  const tags = { 'ockham.key': line.key }
  return client.models.create({ experimentId, name: line.name, type: 'posterior', runId, params: line.params, tags })
}
