/*
 * Corruptions of images in five severities, with the constants of CIFAR-10-C. Hendrycks, Dietterich, "Benchmarking neural network robustness
 * to common corruptions and perturbations", ICLR 2019, arXiv 1903.12261.
 */
import { defocusBlur, gaussianBlur, glassBlur, motionBlur, zoomBlur } from './blurs.js'
import { contrast, elastic, pixelate, saturate } from './digital.js'
import type { Corrupt } from './image.js'
import { jpeg } from './jpeg.js'
import { gaussianNoise, impulseNoise, shotNoise, speckleNoise } from './noise.js'
import { brightness, fog, frost, snow, type Snowfall } from './weather.js'

const each = <T extends readonly unknown[]>(make: (...options: T) => Corrupt, ...severities: readonly T[]): readonly Corrupt[] =>
  severities.map((options) => make(...options))

const one = <T>(make: (option: T) => Corrupt, ...severities: readonly T[]): readonly Corrupt[] => severities.map((option) => make(option))

const falling = (mean: number, std: number, zoom: number, threshold: number, radius: number, sigma: number, kept: number): Snowfall => ({
  mean,
  std,
  zoom,
  threshold,
  radius,
  sigma,
  kept,
})

/** By name, one a severity, mildest first. */
export const families = {
  'gaussian-noise': one(gaussianNoise, 0.04, 0.06, 0.08, 0.09, 0.1),
  'shot-noise': one(shotNoise, 500, 250, 100, 75, 50),
  'impulse-noise': one(impulseNoise, 0.01, 0.02, 0.03, 0.05, 0.07),
  'defocus-blur': each(defocusBlur, [0.3, 0.4], [0.4, 0.5], [0.5, 0.6], [1, 0.2], [1.5, 0.1]),
  'glass-blur': each(glassBlur, [0.05, 1], [0.25, 1], [0.4, 1], [0.25, 2], [0.4, 2]),
  'motion-blur': each(motionBlur, [6, 1], [6, 1.5], [6, 2], [8, 2], [9, 2.5]),
  'zoom-blur': one(zoomBlur, 6, 11, 16, 21, 26),
  snow: one(
    snow,
    falling(0.1, 0.2, 1, 0.6, 8, 3, 0.95),
    falling(0.1, 0.2, 1, 0.5, 10, 4, 0.9),
    falling(0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
    falling(0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
    falling(0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
  ),
  frost: each(frost, [1, 0.2], [1, 0.3], [0.9, 0.4], [0.85, 0.4], [0.75, 0.45]),
  fog: each(fog, [0.2, 3], [0.5, 3], [0.75, 2.5], [1, 2], [1.5, 1.75]),
  brightness: one(brightness, 0.05, 0.1, 0.15, 0.2, 0.3),
  contrast: one(contrast, 0.75, 0.5, 0.4, 0.3, 0.15),
  elastic: each(elastic, [0, 0, 0.08], [0.05, 0.2, 0.07], [0.08, 0.06, 0.06], [0.1, 0.04, 0.05], [0.1, 0.03, 0.03]),
  pixelate: one(pixelate, 0.95, 0.9, 0.85, 0.75, 0.65),
  jpeg: one(jpeg, 80, 65, 58, 50, 40),
  'speckle-noise': one(speckleNoise, 0.06, 0.1, 0.12, 0.16, 0.2),
  'gaussian-blur': one(gaussianBlur, 0.4, 0.6, 0.7, 0.8, 1),
  saturate: each(saturate, [0.3, 0], [0.1, 0], [1.5, 0], [2, 0.1], [2.5, 0.2]),
} as const satisfies Readonly<Record<string, readonly Corrupt[]>>

export type Corruption = keyof typeof families

export const corruptions = Object.keys(families) as [Corruption, ...Corruption[]]

/** Those of the benchmark's main table, frost drawn instead of photographed. */
export const usual = corruptions.slice(0, 15) as [Corruption, ...Corruption[]]

/** Corruptions that grey images have no use for. */
export const coloured: ReadonlySet<Corruption> = new Set(['saturate'])
