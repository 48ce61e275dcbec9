// An authorization server that others wrote logs the employee in and gives the wallet its token, a JWT or one that it is
// asked about; our issuer takes that token, and our wallet gets the badge with what is told with it.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { OPENID4VC_TS } from '../scenarios/lib/counterparts.mjs'
import { startAuthorizationServer } from '../peers/lib/authorization-server.mjs'
import { LANYARD_BIN } from '../scenarios/lib/lanyard.mjs'
import { answerOf, freePort, newFolder } from '../scenarios/lib/process.mjs'
import { accept, logIn, offerTo, startAcme } from './acme.mjs'
import { launch, openPage, PHONE } from './chromium.mjs'

for (const [tokens, asker] of [['JWTs'], ['opaque tokens', { id: 'lanyard', secret: 's'.repeat(32) }]]) {
  describe(`with ${tokens}`, () => {
    let lanyard, server, browser

    before(async () => {
      const base = `http://localhost:${await freePort()}`
      server = await startAuthorizationServer({
        port: await freePort(),
        clientId: 'lanyard-wallet',
        redirectUri: 'http://127.0.0.1/callback',
        resource: `${base}/acme`,
        scopes: ['badge'],
        asker,
      })
      const asks = asker ? `client_id = "${asker.id}"\nclient_secret = "as-secret"` : ''
      lanyard = await startAcme({
        base,
        login: `[tenants.login.server]\nissuer = "${server.issuer}"\n${asks}`,
        secrets: asker ? { 'as-secret': asker.secret } : {},
      })
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

    test('an employee logs in at the other server and gets the badge', async () => {
      const { home, place, end } = await accept(lanyard, await offerTo(lanyard), [server.issuer])
      assert.equal(new URL(place).origin, server.issuer)
      assert.deepEqual([...new URL(place).searchParams.keys()].sort(), ['client_id', 'request_uri'], 'it was pushed')

      const { page, context } = await openPage(browser, { size: PHONE, javaScript: false })
      await page.goto(place)
      await logIn(page)
      const { code, stdout, stderr } = await end()
      assert.equal(code, 0, stderr)
      const { cards } = JSON.parse(stdout)
      assert.deepEqual(cards.map((card) => card.types), [['urn:example:badge:1']])
      const { claims } = await answerOf(LANYARD_BIN, ['wallet', '--home', home, 'show', String(cards[0].id), '--json'])
      assert.deepEqual([claims.given_name, claims.department, claims.sites], ['Ada', 'Research', ['Lyon']])
      await context.close()
    })

    test(`their wallet gets the badge through the other server, its token bound to its key [${OPENID4VC_TS.name}]`, async () => {
      const home = newFolder('their-wallet')
      const wallet = (...args) => answerOf('node', [OPENID4VC_TS.program('wallet'), ...args, '--home', home])
      const callback = 'http://127.0.0.1/callback'
      const begun = await wallet('begin', await offerTo(lanyard), '--client-id', 'lanyard-wallet', '--redirect-uri', callback)
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
