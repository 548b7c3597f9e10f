import { definePlugin } from 'ockham'

export { writeDurably } from './durable.js'
export { journal, readHistory, readJournal } from './journal.js'
export { diskStore } from './store.js'

export default definePlugin({ name: 'journal', provides: [] })
