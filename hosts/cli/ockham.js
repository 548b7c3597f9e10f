#!/usr/bin/env node
// The command runs from source: tsx transforms TypeScript as it is imported, so a checkout needs no build step.
import { register } from 'tsx/esm/api'

register()
const { main } = await import('./main.ts')
await main(process.argv)
