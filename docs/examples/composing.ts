/* Two moons, three priors, one table; then what one of them learnt goes on: npx tsx docs/examples/composing.ts */
import { createHost, use } from 'ockham/hosts/node'

const host = await createHost({ out: false })

const base = {
  seed: 0,
  dataset: use('two-moons', { n: 100 }),
  model: use('mlp', { hidden: [50], activation: 'tanh' }),
  objective: use('cross-entropy'),
  inference: use('map', { steps: 300, batchSize: 100, optimizer: use('adam', { learningRate: 0.01 }) }),
  evaluations: [use('calibration'), use('ood', { against: use('two-moons', { split: 'ring' }) })],
  bounds: [use('clopper-pearson')],
}

const study = await host.compose({
  ...base,
  variants: {
    map: { prior: use('normal', { scale: 1 }) },
    fseb: { prior: use('fseb', { context: use('two-moons', { split: 'grid' }), points: 'context' }) },
    // An object where a name may stand.
    mine: { prior: { energy: ({ net }) => net.vars.params['head.kernel']!.abs().sum() } },
  },
})
const { table, runs } = await study.start()
console.table(table)

// Where fseb ended, trained on at a tenth of the learning rate.
const slower = use('map', { steps: 100, batchSize: 100, optimizer: use('adam', { learningRate: 0.001 }) })
const { result, posterior } = await host.run({ ...base, initial: runs['fseb']!, inference: slower })
console.log(result.values)

// What was learnt predicts: two points, two classes.
const x = { shape: [2, 2], dtype: 'float32', data: Float32Array.of(0, 1, 1, -0.5) } as const
console.log(await posterior!.predict({ x }))

await host.dispose()
