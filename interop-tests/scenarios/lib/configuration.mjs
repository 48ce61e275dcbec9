// `lanyard serve` in development mode, from a configuration file with one tenant, `acme`.
import { randomBytes } from 'node:crypto'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually, ROOT, startServer, writeFile } from './process.mjs'
import { newDatabase } from './store.mjs'

/** The type that is issued where no other is named. */
export const BADGE = join(ROOT, '..', 'examples', 'types', 'badge.json')

/**
 * Writes into a folder what a server at `base` needs, and gives its configuration file: `secrets` are files that it
 * names, `types` are files in the folder, `server` and `tenant` are TOML for the server and for its tenant.
 */
export function configured(
  folder,
  { base, apiKey, secrets = {}, types, data = 'data', roles = ['issuer'], server = '', tenant = '' },
) {
  for (const [name, text] of Object.entries({ 'api-key': apiKey, ...secrets })) {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
  }
  if (!types) copyFileSync(BADGE, join(folder, 'badge.json'))
  return writeFile(folder, 'lanyard.toml', `mode = "development"
base_url = "${base}"
listen = "127.0.0.1:${new URL(base).port}"
data = "${data}"
${server}
${store(folder)}
${roles.map((role) => `[${role}]`).join('\n')}
[[tenants]]
id = "acme"
name = "Acme"
api_key_files = ["api-key"]
credential_types = ${JSON.stringify(types ?? ['badge.json'])}
${tenant}
`)
}

/** TOML for another store than the one in the data folder; a server on it is told what it seals with. */
function store(folder) {
  const database = newDatabase()
  if (!database) return ''
  writeFileSync(join(folder, 'sealing-key'), randomBytes(32), { mode: 0o600 })
  return `[store]\npostgres = "${database}"\nsealing_key_file = "sealing-key"`
}

/** Starts a program that serves at `base`, and waits until it is ready: `{ stop, pid }`. */
export async function serving(program, args, base) {
  const { stop, pid } = await startServer(program, args, (line) => line.includes(base))
  await eventually('readiness', async () => (await fetch(`${base}/readyz`).catch(() => undefined))?.ok)
  return { stop, pid }
}
