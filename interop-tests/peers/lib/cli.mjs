// Every peer is a small program: options in, one JSON value per line out, exit code 0 or 1.
import { parseArgs } from 'node:util'
import { readFileSync, writeFileSync, existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Reads `verb positional… --option value` and hands it to the verb's function. */
export async function run(verbs) {
  const [verb, ...rest] = process.argv.slice(2)
  const command = verbs[verb]
  if (!command) fail(new Error(`say one of: ${Object.keys(verbs).join(', ')}`), 2)
  const { values, positionals } = parseArgs({ args: rest, allowPositionals: true, options: command.options ?? {} })
  try {
    const answer = await command.run(values, positionals)
    if (answer !== undefined) say(answer)
  } catch (error) {
    fail(error, 1)
  }
}

export function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

export function fail(error, exitCode) {
  say({ error: describe(error) })
  if (process.env.PEER_DEBUG) console.error(error)
  process.exit(exitCode)
}

/** The message of an error and of what caused it, with the peer's protocol error if it has one. */
export function describe(error) {
  const parts = []
  for (let at = error; at && parts.length < 5; at = at.cause) {
    parts.push(at.message ?? String(at))
    const protocolError = at.errorResponse ?? at.response?.credentialErrorResponseResult?.data
    if (protocolError) parts.push(JSON.stringify(protocolError))
  }
  return parts.join(' <- ')
}

export function readStdin() {
  return JSON.parse(readFileSync(0, 'utf8'))
}

export function readPemFiles(paths = []) {
  const certificate = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----\n?/g
  return paths.flatMap((path) => readFileSync(path, 'utf8').match(certificate) ?? [])
}

/** What a wallet peer keeps between two runs: credentials with the private key each is bound to. */
export class WalletFile {
  constructor(home) {
    this.path = join(home, 'wallet.json')
    this.credentials = existsSync(this.path) ? JSON.parse(readFileSync(this.path, 'utf8')).credentials : []
  }

  add(credential, privateJwk, format = 'dc+sd-jwt') {
    this.credentials.push({ credential, privateJwk, format })
    mkdirSync(dirname(this.path), { recursive: true })
    writeFileSync(this.path, JSON.stringify({ credentials: this.credentials }, null, 2))
  }
}
