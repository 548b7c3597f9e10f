declare module 'plugins-of-the-run' {
  import type { Plugin } from 'ockham'
  const plugins: readonly Plugin[]
  export default plugins
}
