import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const command = join(root, 'hosts/cli/ockham.js')

export const temporary = (): string => mkdtempSync(join(tmpdir(), 'ockham-'))

export const fileWith = (text: string, name = 'spec.yaml'): string => {
  const file = join(temporary(), name)
  writeFileSync(file, text)
  return file
}

/** Runs the command line to its end. */
export function ockham(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], { encoding: 'utf8', cwd: root })
  return { status, stdout, stderr }
}

export const start = (...args: string[]): ChildProcess =>
  spawn(process.execPath, [command, ...args], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] })

/** Run folders below `out`. */
export const folders = (out: string): string[] => (existsSync(out) ? readdirSync(out).map((id) => join(out, id)) : [])

export const posteriorOf = (folder: string): Buffer => readFileSync(join(folder, 'posterior.safetensors'))

/** Resolves when `done` holds, asked every few milliseconds; rejects when the process ends first. */
export const until = (child: ChildProcess, done: () => boolean): Promise<void> =>
  new Promise((settle, fail) => {
    const timer = setInterval(() => {
      if (!done()) return
      clearInterval(timer)
      settle()
    }, 2)
    child.on('exit', (code) => {
      clearInterval(timer)
      if (done()) settle()
      else fail(new Error(`the run ended with ${code} before it could be killed`))
    })
  })

export const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((settle) => (child.exitCode !== null ? settle(child.exitCode) : child.on('exit', (code) => settle(code))))
