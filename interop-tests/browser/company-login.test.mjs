// An employee logs in with the company account, at a login provider that others wrote, and gets the badge.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startLoginProvider } from '../peers/lib/login-provider.mjs'
import { freePort, LANYARD_BIN } from '../scenarios/lib/lanyard.mjs'
import { eventually, newFolder, ROOT, startServer, writeFile } from '../scenarios/lib/process.mjs'
import { launch, openPage, overflowsSideways, PHONE, shoot, unlabelledControls } from './chromium.mjs'

const SECRET = 'a secret that only the two know & share'
const API_KEY = 'k'.repeat(64)

let lanyard, provider, browser

before(async () => {
  const folder = newFolder('company-login')
  const [port, providerPort] = [await freePort(), await freePort()]
  const base = `http://localhost:${port}`
  provider = await startLoginProvider({
    port: providerPort,
    client: { id: 'lanyard', secret: SECRET, redirectUri: `${base}/acme/login/callback` },
  })
  for (const [name, text] of Object.entries({ 'api-key': API_KEY, 'login-secret': SECRET })) {
    chmodSync(writeFile(folder, name, text), 0o600)
  }
  mkdirSync(join(folder, 'types'))
  cpSync(join(ROOT, '..', 'examples', 'types', 'badge.json'), join(folder, 'types', 'badge.json'))
  const configuration = `
mode = "development"
base_url = "${base}"
listen = "127.0.0.1:${port}"
data = "data"
[issuer]
[[tenants]]
id = "acme"
name = "Acme"
api_key_files = ["api-key"]
credential_types = ["types/badge.json"]
[[tenants.clients]]
id = "lanyard-wallet"
redirect_uris = ["http://127.0.0.1/callback"]
[tenants.login.provider]
issuer = "${provider.issuer}"
name = "Acme account"
client_id = "lanyard"
client_secret = "login-secret"
[[tenants.claims]]
type = "badge"
fixed = { sites = ["Lyon"] }
login = { given_name = "given_name", family_name = "family_name", department = "department" }
`
  const file = writeFile(folder, 'lanyard.toml', configuration)
  const { stop } = await startServer(LANYARD_BIN, ['serve', '--config', file], (line) => line.includes(base))
  await eventually('readiness', async () => (await fetch(`${base}/readyz`).catch(() => undefined))?.ok)
  lanyard = { base, stop, anchor: join(folder, 'data', 'ca.pem') }
  browser = await launch()
})

after(async () => {
  await browser?.close()
  await lanyard?.stop()
  await provider?.stop()
})

/** An offer that only who logs in can take. */
async function offer() {
  const reply = await fetch(`${lanyard.base}/api/acme/offers`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ configuration: 'badge', login: 'only' }),
  })
  assert.equal(reply.status, 201)
  return (await reply.json()).link
}

/** Our wallet in the terminal: where it wants its holder to log in, and what it has in the end. */
async function accept(link) {
  const home = newFolder('company-wallet')
  const flags = ['--trust-anchor', lanyard.anchor, '--allow-http', new URL(lanyard.base).host, '--yes', '--json']
  const child = spawn(LANYARD_BIN, ['wallet', '--home', home, 'accept', link, ...flags])
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr']) child[stream].on('data', (chunk) => (said[stream] += chunk))
  const ended = new Promise((resolve) => child.once('close', resolve))
  const place = await eventually('the address to log in at', async () => /http:\S+/.exec(said.stderr)?.[0])
  return { place, end: async () => ({ code: await ended, ...said }) }
}

test('an employee logs in with the company account and gets the badge', async () => {
  const wallet = await accept(await offer())
  const { page, context } = await openPage(browser, { size: PHONE, javaScript: false })
  await page.goto(wallet.place)
  assert.equal(await overflowsSideways(page), false)
  assert.deepEqual(await unlabelledControls(page), [])
  await shoot(page, 'company-login')
  await page.getByRole('link', { name: 'Log in with Acme account' }).click()
  // at the provider, whose pages are its own
  await page.waitForURL(`${provider.issuer}/**`)
  await page.locator('input[name=login]').fill('ada')
  await page.locator('input[name=password]').fill('whatever')
  await page.locator('button[type=submit]').click()
  await page.locator('button[type=submit]').click()
  // and back, to an address without the code in it
  await page.waitForURL(`${lanyard.base}/acme/authorize?**`)
  assert.match(await page.locator('body').innerText(), /logged in as Ada Moreau/)
  await shoot(page, 'company-consent')
  await page.getByRole('button', { name: 'Allow' }).click()
  const { code, stdout, stderr } = await wallet.end()
  assert.equal(code, 0, stderr)
  assert.deepEqual(JSON.parse(stdout).cards.map((card) => card.types), [['urn:example:badge:1']])
  await context.close()
})

test('an employee who cancels at the provider is told so, and can begin again', async () => {
  const wallet = await accept(await offer())
  const { page, context } = await openPage(browser, { size: PHONE })
  await page.goto(wallet.place)
  await page.getByRole('link', { name: 'Log in with Acme account' }).click()
  await page.waitForURL(`${provider.issuer}/**`)
  await page.getByRole('link', { name: /Cancel/ }).click()
  await page.waitForURL(`${lanyard.base}/**`)
  assert.match(await page.getByRole('alert').innerText(), /the login was cancelled/)
  await shoot(page, 'company-cancelled')
  assert.equal(await page.getByRole('link', { name: 'Log in with Acme account' }).count(), 1)
  await page.getByRole('button', { name: 'Cancel' }).click()
  const { code } = await wallet.end()
  assert.notEqual(code, 0)
  await context.close()
})
