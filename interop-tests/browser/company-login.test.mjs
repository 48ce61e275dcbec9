// An employee logs in with the company account, at a login provider that others wrote, and gets the badge.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startLoginProvider } from '../peers/lib/login-provider.mjs'
import { freePort } from '../scenarios/lib/process.mjs'
import { accept, logIn, offerTo, startAcme } from './acme.mjs'
import { launch, openPage, overflowsSideways, PHONE, shoot, unlabelledControls } from './chromium.mjs'

const SECRET = 'a secret that only the two know & share'

let lanyard, provider, browser

before(async () => {
  const base = `http://localhost:${await freePort()}`
  provider = await startLoginProvider({
    port: await freePort(),
    client: { id: 'lanyard', secret: SECRET, redirectUri: `${base}/acme/login/callback` },
  })
  const login = `
[[tenants.clients]]
id = "lanyard-wallet"
redirect_uris = ["http://127.0.0.1/callback"]
[tenants.login.provider]
issuer = "${provider.issuer}"
name = "Acme account"
client_id = "lanyard"
client_secret = "login-secret"
`
  lanyard = await startAcme({ base, login, secrets: { 'login-secret': SECRET } })
  browser = await launch()
})

after(async () => {
  await browser?.close()
  await lanyard?.stop()
  await provider?.stop()
})

test('an employee logs in with the company account and gets the badge', async () => {
  const wallet = await accept(lanyard, await offerTo(lanyard))
  const { page, context } = await openPage(browser, { size: PHONE, javaScript: false })
  await page.goto(wallet.place)
  assert.equal(await overflowsSideways(page), false)
  assert.deepEqual(await unlabelledControls(page), [])
  await shoot(page, 'company-login')
  await page.getByRole('link', { name: 'Log in with Acme account' }).click()
  // at the provider, whose pages are its own
  await page.waitForURL(`${provider.issuer}/**`)
  await logIn(page)
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
  const wallet = await accept(lanyard, await offerTo(lanyard))
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
