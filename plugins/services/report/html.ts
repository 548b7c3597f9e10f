/** Markup that is safe to put into a page. */
export class Markup {
  constructor(readonly text: string) {}
}

type Atom = Markup | string | number

type Piece = Atom | readonly Atom[]

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Text as markup, for elements and quoted attributes alike. */
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (c) => entities[c]!)

const atom = (piece: Atom): string => (piece instanceof Markup ? piece.text : escaped(String(piece)))

const textOf = (piece: Piece): string => (typeof piece === 'object' && !(piece instanceof Markup) ? piece.map(atom).join('') : atom(piece))

/** A template whose values are escaped unless they are Markup. */
export const html = (strings: TemplateStringsArray, ...pieces: readonly Piece[]): Markup =>
  new Markup(strings.reduce((all, s, i) => all + s + (i < pieces.length ? textOf(pieces[i]!) : ''), ''))

/** Nothing. */
export const none = new Markup('')
