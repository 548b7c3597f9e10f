// A worker runs from source as the command does: tsx transforms TypeScript as it is imported.
import { register } from 'tsx/esm/api'

register()
await import('./worker.ts')
