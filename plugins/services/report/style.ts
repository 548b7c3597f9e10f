/** The page's style: light or dark as the reader has it, light on paper. */
export const style = `
:root { color-scheme: light dark; --page: #fff; --card: #f7f8fa; --ink: #1f242c; --soft: #626b78; --line: #8a93a033; --accent: #3f7fd6; --warm: #e07f2a }
@media (prefers-color-scheme: dark) { :root { --page: #14171c; --card: #1c2027; --ink: #dfe3ea; --soft: #97a0ae } }
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums }
main { max-width: 1136px; margin: 0 auto; padding: 40px 32px 64px }
header { border-bottom: 1px solid var(--line); padding-bottom: 20px; margin-bottom: 28px }
h1 { font-size: 28px; line-height: 1.2; letter-spacing: -.015em; margin: 0 0 6px; overflow-wrap: anywhere }
h2 { font-size: 18px; letter-spacing: -.01em; margin: 44px 0 14px }
h3 { font-size: 14px; margin: 18px 0 8px }
small, .meta, figcaption, dt { color: var(--soft) }
.meta { margin: 0; font-size: 13px; overflow-wrap: anywhere }
.chain { margin: 12px 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: 6px; list-style: none; font-size: 13px }
.chain li { background: var(--card); border: 1px solid var(--line); border-radius: 99px; padding: 2px 11px }
.chain li small { margin-right: 6px }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(158px, 1fr)); gap: 12px }
.tile, .card, figure { background: var(--card); border: 1px solid var(--line); border-radius: 10px }
.tile { padding: 14px 16px }
.tile b { display: block; font-size: 26px; line-height: 1.2; font-weight: 650; letter-spacing: -.02em }
.tile span { display: block; font-size: 13px; line-height: 1.35; margin-top: 4px }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 14px }
figure { margin: 0; padding: 14px 16px; break-inside: avoid }
figcaption { font-size: 13px; font-weight: 600; margin-bottom: 8px }
svg { width: 100%; max-width: 460px; height: auto; display: block; margin: 0 auto }
.broken { font-size: 13px; color: var(--warm) }
table { border-collapse: collapse; font-size: 14px }
th, td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap }
thead th { font-weight: 600; font-size: 13px; vertical-align: bottom; line-height: 1.25 }
thead small { font-weight: 400 }
tbody th { font-weight: 500 }
td, th.n { text-align: right; padding-left: 14px }
details td, details th { text-align: left; padding-left: 0 }
.scroll { overflow-x: auto }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 14px }
.card { padding: 14px 18px 16px; break-inside: avoid }
.card h3 { margin: 0 0 6px; font-size: 13px; color: var(--soft) }
.card em { font-style: normal; color: var(--ink); margin-right: 4px }
mark { background: var(--warm); color: #fff; border-radius: 4px; padding: 0 6px; font-size: 11px }
.claim { margin: 0 0 12px; font-size: 13px; line-height: 1.45 }
.claim b { display: block; font-size: 24px; line-height: 1.3; letter-spacing: -.02em }
.stack { display: flex; height: 10px; border-radius: 5px; overflow: hidden; background: var(--line); print-color-adjust: exact; -webkit-print-color-adjust: exact }
.stack i, .legend i { background: var(--accent) }
.stack .s1, .legend .s1 { background: var(--warm) }
.stack .s2, .legend .s2 { background: #7a9e5a }
.stack .s3, .legend .s3 { background: #a06bb5 }
.stack .s4, .legend .s4 { background: #c9a227 }
.stack .s5, .legend .s5 { background: #4fa3a5 }
.legend { display: flex; flex-wrap: wrap; gap: 2px 14px; margin: 6px 0 4px; padding: 0; list-style: none; font-size: 12px; color: var(--soft) }
.legend i { display: inline-block; width: 9px; height: 9px; border-radius: 2px; margin-right: 5px; print-color-adjust: exact; -webkit-print-color-adjust: exact }
.legend b { color: var(--ink); font-weight: 600 }
.of { margin: 0 0 4px; font-size: 12px; color: var(--soft) }
.assumptions pre { margin-top: 6px; padding: 8px 12px }
.ends { display: flex; justify-content: space-between; font-size: 11px; color: var(--soft); margin: 3px 0 12px }
dl { margin: 0 } dd { margin: 0 }
.terms { display: flex; flex-wrap: wrap; gap: 6px 22px; font-size: 13px }
.terms dt, .digests dt { font-size: 11px }
.digests { margin-top: 10px; font: 11px/1.45 ui-monospace, "DejaVu Sans Mono", monospace }
.digests dd { overflow-wrap: anywhere }
.digests div + div { margin-top: 4px }
.assumptions { margin: 0; padding-left: 20px; font-size: 14px; max-width: 820px }
.columns { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 32px }
.columns h3:first-child { margin-top: 0 }
pre { margin: 0; padding: 14px 16px; background: var(--card); border: 1px solid var(--line); border-radius: 10px; font: 12.5px/1.55 ui-monospace, "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere }
.pairs { font-size: 13px }
.pairs div { display: flex; justify-content: space-between; gap: 16px; border-bottom: 1px solid var(--line); padding: 3px 0 }
.pairs dd { text-align: right; overflow-wrap: anywhere }
summary { cursor: pointer; padding: 6px 0; font-weight: 500 }
summary small { font-weight: 400; margin-left: 6px }
.warnings { margin: 0; padding-left: 20px; font-size: 14px }
@media (max-width: 760px) { main { padding: 24px 16px } .columns { grid-template-columns: 1fr } }
@media print { :root { color-scheme: light; --page: #fff; --card: #fff; --ink: #1f242c; --soft: #626b78 } main { padding: 0; max-width: none } h2 { break-after: avoid } }
`
