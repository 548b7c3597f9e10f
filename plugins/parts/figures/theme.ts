import type { Json } from 'ockham'

/** Hues told apart on white and on near black, by readers with red-green blindness too, in the order of their use. */
export const colours = ['#3f7fd6', '#e07f2a', '#2f9e78', '#a564c4', '#d1495b', '#7f8894', '#b59a1c', '#25a3b5'] as const

/** What is behind a figure is the page. */
export const background = 'transparent'

const font = 'system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif'

/**
 * Vega-Lite configuration of all figures. `ink` and `faint` are the colours of text and of grid lines; a page that has a light and a
 * dark side gives CSS variables.
 */
export const theme = ({ ink = '#444a54', faint = '#8a93a033' } = {}): { readonly [name: string]: Json } => ({
  background,
  mark: { color: colours[0] },
  font,
  padding: 4,
  view: { stroke: null },
  axis: {
    labelColor: ink,
    titleColor: ink,
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: 500,
    titlePadding: 8,
    gridColor: faint,
    domain: false,
    ticks: false,
    labelPadding: 6,
  },
  legend: {
    labelColor: ink,
    titleColor: ink,
    labelFontSize: 11,
    titleFontSize: 11,
    orient: 'top',
    direction: 'horizontal',
    title: null,
    labelLimit: 0,
    columns: 3,
    columnPadding: 4,
    symbolSize: 60,
    symbolStrokeWidth: 3,
  },
  header: { labelColor: ink, titleColor: ink },
  title: { color: ink, fontSize: 13, fontWeight: 600, anchor: 'start', offset: 10 },
  range: { category: colours },
  text: { color: ink },
  rule: { color: ink },
  line: { strokeWidth: 1.8 },
})
