// An authorization server that others wrote logs the employee in and gives the wallet its token, a JWT or one that it is
// asked about; our issuer takes that token, and our wallet gets the badge with what is told with it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { OPENID4VC_TS } from '../scenarios/lib/counterparts.mjs'
import { startAuthorizationServer } from '../peers/lib/authorization-server.mjs'
import { freePort, LANYARD_BIN } from '../scenarios/lib/lanyard.mjs'
import { answerOf, eventually, newFolder, ROOT, startServer, writeFile } from '../scenarios/lib/process.mjs'
import { launch, openPage, PHONE } from './chromium.mjs'

const API_KEY = 'k'.repeat(64)

for (const [tokens, asker] of [['JWTs'], ['opaque tokens', { id: 'lanyard', secret: 's'.repeat(32) }]]) {
  describe(`with ${tokens}`, () => {
    let lanyard, server, browser

    before(async () => {
      const folder = newFolder('other-server')
      const [port, serverPort] = [await freePort(), await freePort()]
      const base = `http://localhost:${port}`
      server = await startAuthorizationServer({
        port: serverPort,
        clientId: 'lanyard-wallet',
        redirectUri: 'http://127.0.0.1/callback',
        resource: `${base}/acme`,
        scopes: ['badge'],
        asker,
      })
      chmodSync(writeFile(folder, 'api-key', API_KEY), 0o600)
      if (asker) chmodSync(writeFile(folder, 'as-secret', asker.secret), 0o600)
      mkdirSync(join(folder, 'types'))
      cpSync(join(ROOT, '..', 'examples', 'types', 'badge.json'), join(folder, 'types', 'badge.json'))
      const file = writeFile(folder, 'lanyard.toml', `
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
[tenants.login.server]
issuer = "${server.issuer}"
${asker ? `client_id = "${asker.id}"\nclient_secret = "as-secret"` : ''}
[[tenants.claims]]
type = "badge"
fixed = { sites = ["Lyon"] }
login = { given_name = "given_name", family_name = "family_name", department = "department" }
`)
      const { stop } = await startServer(LANYARD_BIN, ['serve', '--config', file], (line) => line.includes(base))
      await eventually('readiness', async () => (await fetch(`${base}/readyz`).catch(() => undefined))?.ok)
      lanyard = { base, stop, anchor: join(folder, 'data', 'ca.pem') }
      browser = await launch()
    })

    after(async () => {
      await browser?.close()
      await lanyard?.stop()
      await server?.stop()
    })

    test('the offer and the metadata name the other server', async () => {
      const metadata = await (await fetch(`${lanyard.base}/.well-known/openid-credential-issuer/acme`)).json()
      assert.deepEqual(metadata.authorization_servers, [server.issuer, `${lanyard.base}/acme`])
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

    /** Ada logs in, and agrees. */
    async function logIn(page) {
      await page.locator('input[name=login]').fill('ada')
      await page.locator('input[name=password]').fill('whatever')
      await page.locator('button[type=submit]').click()
      await page.locator('button[type=submit]').click()
    }

    test('an employee logs in at the other server and gets the badge', async () => {
      const link = await offer()
      const home = newFolder('other-server-wallet')
      const hosts = [lanyard.base, server.issuer].flatMap((url) => ['--allow-http', new URL(url).host])
      const flags = ['--trust-anchor', lanyard.anchor, ...hosts, '--yes', '--json']
      const child = spawn(LANYARD_BIN, ['wallet', '--home', home, 'accept', link, ...flags])
      const said = { stdout: '', stderr: '' }
      for (const stream of ['stdout', 'stderr']) child[stream].on('data', (chunk) => (said[stream] += chunk))
      const ended = new Promise((resolve) => child.once('close', resolve))
      const place = await eventually('the address to log in at', async () => /http:\S+/.exec(said.stderr)?.[0])
      assert.equal(new URL(place).origin, server.issuer)
      assert.deepEqual([...new URL(place).searchParams.keys()].sort(), ['client_id', 'request_uri'], 'it was pushed')

      const { page, context } = await openPage(browser, { size: PHONE, javaScript: false })
      await page.goto(place)
      await logIn(page)
      const code = await ended
      assert.equal(code, 0, said.stderr)
      const { cards } = JSON.parse(said.stdout)
      assert.deepEqual(cards.map((card) => card.types), [['urn:example:badge:1']])
      const { claims } = await answerOf(LANYARD_BIN, ['wallet', '--home', home, 'show', String(cards[0].id), '--json'])
      assert.deepEqual([claims.given_name, claims.department, claims.sites], ['Ada', 'Research', ['Lyon']])
      await context.close()
    })

    test(`their wallet gets the badge through the other server, its token bound to its key [${OPENID4VC_TS.name}]`, async () => {
      const home = newFolder('their-wallet')
      const wallet = (...args) => answerOf('node', [OPENID4VC_TS.program('wallet'), ...args, '--home', home])
      const callback = 'http://127.0.0.1/callback'
      const begun = await wallet('begin', await offer(), '--client-id', 'lanyard-wallet', '--redirect-uri', callback)
      assert.equal(begun.authorization_server, server.issuer)
      const { page, context } = await openPage(browser, { size: PHONE, javaScript: false })
      const back = page.waitForRequest((request) => request.url().startsWith(`${callback}?`))
      await page.goto(begun.url)
      await Promise.all([back, logIn(page)])
      const received = await wallet('finish', (await back).url(), '--trust-anchor', lanyard.anchor)
      assert.equal(received.token_type, 'DPoP')
      const [{ claims }] = received.credentials
      assert.deepEqual([claims.given_name, claims.department, claims.sites], ['Ada', 'Research', ['Lyon']])
      await context.close()
    })
  })
}
