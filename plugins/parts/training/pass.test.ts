import { hostKey } from 'ockham'
import { expect, it } from 'vitest'
import { freshRun, interpreter, smallProblem } from 'ockham/testing'
import { adam, adamOptions } from './adam.js'
import { descend } from './descend.js'

it('refuses an energy that is not a scalar, with the remedy', async () => {
  const engine = await interpreter()
  const problem = smallProblem(hostKey(0), { prior: { energy: ({ net }) => net.vars.params['head.kernel']!.abs().sum(0) } })
  const descent = descend(problem, freshRun(engine), { optimizer: adam(adamOptions.parse({})), steps: 2, size: 8 })
  await expect(descent).rejects.toThrow(/OCK-TRAIN-011.*shape \[2\].*energy\.sum\(\)/)
  await engine.dispose()
})
