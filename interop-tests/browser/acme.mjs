// An employer whose badge only an employee gets that logged in, and our wallet in the terminal that takes it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { configured, serving } from '../scenarios/lib/configuration.mjs'
import { LANYARD_BIN } from '../scenarios/lib/lanyard.mjs'
import { eventually, newFolder } from '../scenarios/lib/process.mjs'

const API_KEY = 'k'.repeat(64)

/** The issuer at `base`; `login` says in TOML where its employees log in, `secrets` are the files that it names. */
export async function startAcme({ base, login, secrets = {} }) {
  const folder = newFolder('acme')
  const tenant = `${login}
[[tenants.claims]]
type = "badge"
fixed = { sites = ["Lyon"] }
login = { given_name = "given_name", family_name = "family_name", department = "department" }`
  const config = configured(folder, { base, apiKey: API_KEY, secrets, tenant })
  const { stop } = await serving(LANYARD_BIN, ['serve', '--config', config], base)
  return { base, stop, anchor: join(folder, 'data', 'ca.pem') }
}

/** An offer that only who logs in can take. */
export async function offerTo(acme) {
  const reply = await fetch(`${acme.base}/api/acme/offers`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ configuration: 'badge', login: 'only' }),
  })
  assert.equal(reply.status, 201)
  return (await reply.json()).link
}

/** Our wallet: where it wants its holder to log in, and what it has in the end; `others` are servers it may ask too. */
export async function accept(acme, link, others = []) {
  const home = newFolder('acme-wallet')
  const hosts = [acme.base, ...others].flatMap((url) => ['--allow-http', new URL(url).host])
  const flags = ['--trust-anchor', acme.anchor, ...hosts, '--yes', '--json']
  const child = spawn(LANYARD_BIN, ['wallet', '--home', home, 'accept', link, ...flags])
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr']) child[stream].on('data', (chunk) => (said[stream] += chunk))
  const ended = new Promise((resolve) => child.once('close', resolve))
  const place = await eventually('the address to log in at', async () => /http:\S+(?=\s)/.exec(said.stderr)?.[0])
  return { home, place, end: async () => ({ code: await ended, ...said }) }
}

/** Ada logs in on the pages of the server that others wrote, and agrees. */
export async function logIn(page) {
  await page.locator('input[name=login]').fill('ada')
  await page.locator('input[name=password]').fill('whatever')
  await page.locator('button[type=submit]').click()
  await page.locator('button[type=submit]').click()
}
