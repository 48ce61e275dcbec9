// Starting programs: one that answers and ends, and one that serves until it is stopped.
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
// far longer than anything takes: only what would never end is ended
const ONE_SHOT_LIMIT = 180_000
const START_LIMIT = 120_000

/** A folder of its own for one wallet or one server. */
export const newFolder = (name) => mkdtempSync(join(tmpdir(), `lanyard-interop-${name}-`))

export function writeFile(folder, name, text) {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const FIRST_PORT = 20_000
const PORTS = 12_000
let nextPort = process.pid

/**
 * A port for a server that is told its number: below those that the system gives out by itself, and held as
 * `free_port` of crates/testkit holds it, by the UDP port of the same number, until this process ends.
 */
export async function freePort() {
  for (let tried = 0; tried < PORTS; tried++) {
    const port = FIRST_PORT + (nextPort++ % PORTS)
    if ((await holds(port)) && (await isUnused(port))) return port
  }
  throw new Error('no port is free')
}

function holds(port) {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.once('error', () => socket.close(() => resolve(false)))
    socket.bind({ address: '127.0.0.1', port, exclusive: true }, () => {
      socket.unref()
      resolve(true)
    })
  })
}

function isUnused(port) {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

/** Runs a program to its end: `{ exitCode, stdout, stderr }`. */
export function runToEnd(program, args, { stdin, env, cwd } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
    const output = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr']) child[stream].on('data', (chunk) => (output[stream] += chunk))
    const limit = setTimeout(() => child.kill('SIGKILL'), ONE_SHOT_LIMIT)
    child.once('error', reject)
    child.once('close', (exitCode) => {
      clearTimeout(limit)
      resolve({ exitCode, ...output })
    })
    // who ends without reading is judged by what it said
    child.stdin.on('error', () => {})
    child.stdin.end(stdin ?? '')
  })
}

/** Runs a program that answers one JSON value; its `{ error }` and a wrong exit code are thrown. */
export async function answerOf(program, args, options) {
  const { exitCode, stdout, stderr } = await runToEnd(program, args, options)
  const answer = parse(stdout)
  if (answer?.error) throw new Error(answer.message ? `${answer.error}: ${answer.message}` : answer.error)
  if (exitCode !== 0 || answer === undefined) {
    throw new Error(`${program} ${args.slice(0, 2).join(' ')} ended with ${exitCode}: ${stderr || stdout}`)
  }
  return answer
}

function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Starts a server and waits until `isReady(line)` answers something truthy, which becomes `info`. */
export function startServer(program, args, isReady, { env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    const limit = setTimeout(() => giveUp(`did not start: ${said}`), START_LIMIT)
    const giveUp = (reason) => {
      clearTimeout(limit)
      child.kill('SIGKILL')
      reject(new Error(`${program} ${args.join(' ')} ${reason}`))
    }
    const stop = () =>
      new Promise((stopped) => {
        if (child.exitCode !== null || child.signalCode !== null) return stopped()
        child.once('close', stopped)
        child.kill('SIGTERM')
        setTimeout(() => child.kill('SIGKILL'), 5_000).unref()
      })
    child.once('error', (error) => giveUp(error.message))
    child.once('exit', (code) => giveUp(`ended with ${code}: ${said}`))
    child.stderr.on('data', (chunk) => (said += chunk))
    createInterface({ input: child.stdout }).on('line', (line) => {
      said += `${line}\n`
      const info = isReady(line)
      if (!info) return
      clearTimeout(limit)
      resolve({ info, stop, pid: child.pid })
    })
  })
}

/** Asks for a condition until it holds; bounded. */
export async function eventually(what, condition, limit = 60_000) {
  const end = Date.now() + limit
  for (;;) {
    const answer = await condition()
    if (answer) return answer
    if (Date.now() > end) throw new Error(`${what} did not happen within ${limit} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

export async function postJson(url, body, headers = {}) {
  return jsonOf(await fetch(url, { method: 'POST', body: JSON.stringify(body), headers: withType(headers) }))
}

export async function getJson(url, headers = {}) {
  return jsonOf(await fetch(url, { headers }))
}

const withType = (headers) => ({ 'content-type': 'application/json', ...headers })

async function jsonOf(reply) {
  const text = await reply.text()
  if (!reply.ok) throw new Error(`${reply.url} answered ${reply.status}: ${text}`)
  return JSON.parse(text)
}
