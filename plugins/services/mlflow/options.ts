import { z } from 'zod'

export const mlflowOptions = z.strictObject({
  uri: z.string().optional().describe('address of the tracking server; else MLFLOW_TRACKING_URI, else http://127.0.0.1:5000'),
  experiment: z.string().optional().describe('its name; else MLFLOW_EXPERIMENT_NAME, else ockham'),
  run: z.string().optional().describe('id of an MLflow run to go on with; else MLFLOW_RUN_ID, else a new one'),
  model: z.boolean().default(true).describe('whether the posterior becomes a logged model'),
  register: z
    .string()
    .regex(/^[^/:@]+(@[^/:@]+)?$/, 'expected name or name@alias')
    .optional()
    .describe('name, or name@alias, under which the model is registered'),
  checkpoints: z.boolean().default(true).describe('whether checkpoints go up when a run ends'),
  system: z.number().min(0).default(10).describe('seconds between samples of CPU, memory and speed; 0 for none'),
  interval: z.number().positive().default(1).describe('seconds between deliveries while a run goes on'),
  patience: z.number().min(0).default(10).describe('seconds without progress after which an ending run leaves the rest to ockham sync'),
  queue: z.int().min(1000).default(200_000).describe('steps that may wait for the writer; what is more is dropped, and counted'),
  tags: z.record(z.string(), z.string()).default({}).describe('tags of every run'),
})

export type MlflowOptions = z.output<typeof mlflowOptions>
