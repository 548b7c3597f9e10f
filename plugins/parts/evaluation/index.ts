import { component, DATASET, definePlugin } from 'ockham'
import type { z } from 'zod'
import { calibration, calibrationOptions } from './calibration.js'
import { ood, oodOptions } from './ood.js'
import { picture, pictureOptions } from './picture.js'
import { scaling, scalingOptions } from './scaling.js'
import { selective, selectiveOptions } from './selective-prediction.js'

export { correctness, decisions, mean } from './accuracy.js'
export { auroc, averagePrecision, falsePositiveRate } from './auroc.js'
export { calibration, calibrationOptions, confusion } from './calibration.js'
export { categorical, labelled } from './categorical.js'
export { energies, mahalanobis, negativeMaxLogits } from './distances.js'
export {
  adaptiveCalibrationError,
  expectedCalibrationError,
  maximumCalibrationError,
  reliability,
  rmsCalibrationError,
  type Edges,
} from './ece.js'
export { entropy } from './entropy.js'
export { fitOf } from './fit.js'
export { normalCdf, normalQuantile } from './normal.js'
export { ood, oodOptions, oodScores } from './ood.js'
export { checkSplits, predictionsOf, type Categorical, type Normal, type Predictions, type Predicts } from './predictions.js'
export { picture, pictureOptions } from './picture.js'
export { centredLogs, fitScaling, scaledProbabilities, scaling, scalingOptions, scalings, type Scaled } from './scaling.js'
export { brierScores, mixtureNll, nll, normalCrps, normalNll, rmse } from './scores.js'
export {
  generalisedRiskArea,
  quantile,
  riskCoverageArea,
  riskCoverageTrapezoid,
  risks,
  selectiveArea,
  selectiveCurve,
} from './selective.js'
export { selective, selectiveOptions } from './selective-prediction.js'
export { decomposition, deviations, uncertainty, type Score } from './uncertainty.js'

declare module 'ockham' {
  interface Catalog {
    calibration: { kind: 'evaluation'; options: z.input<typeof calibrationOptions> }
    ood: { kind: 'evaluation'; options: z.input<typeof oodOptions> }
    selective: { kind: 'evaluation'; options: z.input<typeof selectiveOptions> }
    scaling: { kind: 'evaluation'; options: z.input<typeof scalingOptions> }
    picture: { kind: 'evaluation'; options: z.input<typeof pictureOptions> }
  }
}

const needs = { dataset: DATASET }

export default definePlugin({
  name: 'evaluation',
  provides: [
    component({
      kind: 'evaluation',
      name: 'calibration',
      about: 'Accuracy, log-likelihood, Brier score and calibration error; reliability and confusion',
      options: calibrationOptions,
      needs,
      create: calibration,
    }),
    component({
      kind: 'evaluation',
      name: 'ood',
      about: 'How well uncertainty tells another dataset from the test split',
      options: oodOptions,
      needs,
      requires: { objective: ['categorical'] },
      create: ood,
    }),
    component({
      kind: 'evaluation',
      name: 'selective',
      about: 'Accuracy of the predictions kept when the most uncertain are refused',
      options: selectiveOptions,
      needs,
      requires: { objective: ['categorical'] },
      create: selective,
    }),
    component({
      kind: 'evaluation',
      name: 'scaling',
      about: 'Calibration before and after temperature, vector or matrix scaling',
      options: scalingOptions,
      needs,
      requires: { objective: ['categorical'] },
      create: scaling,
    }),
    component({
      kind: 'evaluation',
      name: 'picture',
      about: 'The predictive band of a regression in one dimension, or uncertainty over two',
      options: pictureOptions,
      needs,
      create: picture,
    }),
  ],
})
