import { families, rows } from './rows.js'

/** `npm run bench -- NAME …`: one JSON line a row; all rows where none is named; `engine` names the engine's, and `gp` names `gp-879` and its like. */
const asked = process.argv.slice(2).flatMap((name) => {
  if (families[name]) return families[name]
  const family = Object.keys(rows).filter((row) => row.startsWith(`${name}-`))
  return rows[name] || family.length === 0 ? [name] : family
})
const unknown = asked.filter((name) => !rows[name])
if (unknown.length > 0) {
  const known = Object.entries(rows).map(([name, { about }]) => `  ${name}: ${about}`)
  console.error(`no row ${unknown.join(', ')}; there are\n${known.join('\n')}`)
  process.exitCode = 2
} else {
  for (const name of asked.length > 0 ? asked : Object.keys(rows)) console.log(JSON.stringify(await rows[name]!.run()))
}
