import { component, definePlugin } from 'ockham'
import type { z } from 'zod'
import { arrays, arraysOptions } from './arrays.js'
import { cifar10, cifar10Options } from './cifar10.js'
import { csv, csvOptions } from './csv.js'
import { glyphs, glyphsOptions } from './glyphs/glyphs.js'
import { idxImages, idxImagesOptions } from './idx-images.js'
import { imageFolder, imageFolderOptions } from './image-folder.js'
import { labelNoise, labelNoiseOptions } from './label-noise.js'
import { divided, dividedOptions } from './divided.js'
import { subset, subsetOptions } from './limited.js'
import { twoMoons, twoMoonsOptions } from './two-moons.js'
import { uciRegression, uciRegressionOptions } from './uci-regression.js'
import { shuffledLabels, shuffledLabelsOptions } from './shuffled-labels.js'
import { whiteNoise, whiteNoiseOptions } from './white-noise.js'

export { arrays, arraysOptions, type ArraysOptions } from './arrays.js'
export { augment, augmentOptions, type AugmentOptions } from './augment.js'
export { auxiliary, type Auxiliary, type Purpose } from './auxiliary.js'
export { cifar10, cifar10Options, type Cifar10Options } from './cifar10.js'
export { csv, csvOptions, type CsvOptions } from './csv.js'
export { numeric, readTable, type Table } from './csv-table.js'
export { glyphs, glyphsOptions, glyphTable, type Glyph, type GlyphsOptions } from './glyphs/glyphs.js'
export { idxImages, idxImagesOptions, type IdxImagesOptions } from './idx-images.js'
export { imageFolder, imageFolderOptions, type ImageFolderOptions } from './image-folder.js'
export { labelNoise, labelNoiseOptions } from './label-noise.js'
export { limited, subset, subsetOptions } from './limited.js'
export { scale } from './gather.js'
export { memory, type Content, type Fields } from './memory.js'
export { partsOf, viewOf, type Parts } from './shares.js'
export { twoMoons, twoMoonsOptions, type TwoMoonsOptions } from './two-moons.js'
export { uciRegression, uciRegressionOptions, type UciRegressionOptions } from './uci-regression.js'
export { shuffledLabels, shuffledLabelsOptions } from './shuffled-labels.js'
export { whiteNoise, whiteNoiseOptions, type WhiteNoiseOptions } from './white-noise.js'

declare module 'ockham' {
  interface Catalog {
    'idx-images': { kind: 'dataset'; options: z.input<typeof idxImagesOptions> }
    csv: { kind: 'dataset'; options: z.input<typeof csvOptions> }
    arrays: { kind: 'dataset'; options: z.input<typeof arraysOptions> }
    'two-moons': { kind: 'dataset'; options: z.input<typeof twoMoonsOptions> }
    glyphs: { kind: 'dataset'; options: z.input<typeof glyphsOptions> }
    'shuffled-labels': { kind: 'dataset'; options: z.input<typeof shuffledLabelsOptions> }
    divided: { kind: 'dataset'; options: z.input<typeof dividedOptions> }
    subset: { kind: 'dataset'; options: z.input<typeof subsetOptions> }
    cifar10: { kind: 'dataset'; options: z.input<typeof cifar10Options> }
    'image-folder': { kind: 'dataset'; options: z.input<typeof imageFolderOptions> }
    'label-noise': { kind: 'dataset'; options: z.input<typeof labelNoiseOptions> }
    'white-noise': { kind: 'dataset'; options: z.input<typeof whiteNoiseOptions> }
    'uci-regression': { kind: 'dataset'; options: z.input<typeof uciRegressionOptions> }
  }
}

/** What may be offered where only the data tell: the objective checks again when it sees them. */
const either = ['classification', 'regression']

export default definePlugin({
  name: 'datasets',
  provides: [
    component({
      kind: 'dataset',
      name: 'idx-images',
      about: "Grey images in MNIST's IDX files",
      options: idxImagesOptions,
      offers: ({ root, labels }) => ((root ?? labels) ? ['classification'] : []),
      create: idxImages,
    }),
    component({
      kind: 'dataset',
      name: 'csv',
      about: 'Rows of a CSV table, for classification or regression',
      options: csvOptions,
      offers: ({ task, classes }) => (task ? [task] : classes ? ['classification'] : either),
      create: csv,
    }),
    component({
      kind: 'dataset',
      name: 'arrays',
      about: 'Arrays made in code',
      options: arraysOptions,
      offers: ({ task }) => (task ? [task] : either),
      create: arrays,
    }),
    component({
      kind: 'dataset',
      name: 'two-moons',
      about: 'Two interleaved half circles in the plane, with a grid and a ring around them',
      options: twoMoonsOptions,
      offers: ['classification'],
      create: twoMoons,
    }),
    component({
      kind: 'dataset',
      name: 'glyphs',
      about: 'Digits and letters of 123 open typefaces, 28 × 28, split by typeface',
      options: glyphsOptions,
      offers: ['classification'],
      create: glyphs,
    }),
    component({
      kind: 'dataset',
      name: 'shuffled-labels',
      about: 'A dataset whose labels are dealt out anew at random',
      options: shuffledLabelsOptions,
      offers: (options, offersOf) => offersOf(options.of),
      create: shuffledLabels,
    }),
    component({
      kind: 'dataset',
      name: 'divided',
      about: 'A dataset with one of its splits dealt into disjoint parts',
      options: dividedOptions,
      offers: ({ of }, offersOf) => offersOf(of),
      create: divided,
    }),
    component({
      kind: 'dataset',
      name: 'subset',
      about: 'Some examples of a dataset, class-balanced',
      options: subsetOptions,
      offers: ({ of }, offersOf) => offersOf(of),
      create: subset,
    }),
    component({
      kind: 'dataset',
      name: 'uci-regression',
      about: 'A UCI regression set under its fixed splits, standardised by the training rows',
      options: uciRegressionOptions,
      offers: ['regression'],
      create: uciRegression,
    }),
    component({
      kind: 'dataset',
      name: 'cifar10',
      about: 'CIFAR-10, from its binary version or from pictures',
      options: cifar10Options,
      offers: ['classification'],
      create: cifar10,
    }),
    component({
      kind: 'dataset',
      name: 'image-folder',
      about: 'JPEG and PNG pictures in a folder a class',
      options: imageFolderOptions,
      offers: ['classification'],
      create: imageFolder,
    }),
    component({
      kind: 'dataset',
      name: 'white-noise',
      about: 'Unlabelled inputs of standard normal numbers',
      options: whiteNoiseOptions,
      offers: [],
      create: whiteNoise,
    }),
    component({
      kind: 'dataset',
      name: 'label-noise',
      about: 'Another dataset, some of its labels drawn anew',
      options: labelNoiseOptions,
      requires: { dataset: ['classification'] },
      offers: ['classification'],
      create: labelNoise,
    }),
  ],
})
