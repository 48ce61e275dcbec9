// <lanyard-verify> on a page of another origin: through the browser with a mocked navigator.credentials behind
// which a foreign wallet answers, and by the code with our own wallet. One test a story.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { newWallet, OPENID4VC_TS } from '../scenarios/lib/counterparts.mjs'
import { newLanyardWallet, startServing } from '../scenarios/lib/lanyard.mjs'
import { credentialQuery, query } from '../scenarios/lib/queries.mjs'
import { sampleOf } from '../scenarios/lib/served.mjs'
import { ROOT } from '../scenarios/lib/process.mjs'
import { listen } from '../peers/lib/server.mjs'
import { DESKTOP, launch, openPage, overflowsSideways, PHONE, SCHEMES, shoot, SIZES } from './chromium.mjs'

let shop
let lanyard
let browser
let theirs
let ours

before(async () => {
  const example = (name) => readFileSync(join(ROOT, '..', 'examples', 'web', name), 'utf8')
  const policy = () => `default-src 'none'; style-src 'self'; script-src 'self' ${lanyard.base}; connect-src ${lanyard.base}`
  const page = (element) => ({
    text: example('index.html')
      .replace(/<meta http-equiv[^>]*>\n/, '')
      .replace(/<lanyard-verify.*<\/lanyard-verify>/, element)
      .replaceAll('http://localhost:7077', lanyard.base),
    headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy() },
  })
  const file = (name, type) => () => ({ text: example(name), headers: { 'content-type': type } })
  shop = await listen(0, async () => ({
    'GET /': () => page('<lanyard-verify tenant="acme" preset="entry"></lanyard-verify>'),
    'GET /code': () => page('<lanyard-verify tenant="acme" preset="entry" no-dc-api></lanyard-verify>'),
    'GET /deutsch': () => page('<lanyard-verify tenant="acme" preset="entry" lang="de" no-dc-api></lanyard-verify>'),
    'GET /unknown': () => page('<lanyard-verify tenant="acme" preset="nothing"></lanyard-verify>'),
    'GET /shop.js': file('shop.js', 'text/javascript'),
    'GET /shop.css': file('shop.css', 'text/css'),
  }))
  const saved = { title: 'Badge', purpose: 'To let you in', dcql_query: query(credentialQuery('badge', 'urn:example:badge:1', [['given_name'], ['department']])) }
  lanyard = await startServing({ webOrigins: [shop.base], savedRequests: { entry: saved } })
  browser = await launch()
  theirs = newWallet(OPENID4VC_TS)
  ours = newLanyardWallet()
  await theirs.accept((await lanyard.offer({ type: 'badge', claims: sampleOf('badge') })).link, lanyard)
  await ours.accept((await lanyard.offer({ type: 'badge', claims: sampleOf('badge') })).link, { trustAnchorFiles: [lanyard.trustAnchorFile] })
})

after(async () => {
  await browser?.close()
  await lanyard?.stop()
  shop?.server.close()
  shop?.server.closeAllConnections()
})

/** A page of the shop whose browser has the Digital Credentials API, answered by `wallet(request)`. */
async function visit(path, { wallet, ...options } = {}) {
  const opened = await openPage(browser, options)
  if (wallet) {
    await opened.page.exposeFunction('platformWallet', wallet)
    await opened.page.addInitScript(() => {
      window.DigitalCredential = class { static userAgentAllowsProtocol = (name) => name.startsWith('openid4vp-v1') }
      navigator.credentials.get = async ({ digital: { requests } }) => {
        const [{ protocol, data }] = requests
        const answer = await window.platformWallet({ protocol, data, origin: location.origin })
        if (!answer) throw new DOMException('the holder said no', 'NotAllowedError')
        return answer
      }
    })
  }
  await opened.page.goto(`${shop.base}${path}`)
  return { ...opened, element: opened.page.locator('lanyard-verify') }
}

const state = (page, wanted) => page.locator(`lanyard-verify[data-state=${wanted}]`).waitFor()
const idOf = (page) => page.locator('lanyard-verify').evaluate((element) => element.requestId)
const linkOf = (page) => page.locator('lanyard-verify').evaluate((element) => element.shadowRoot.querySelector('a').href)

for (const scheme of SCHEMES) {
  for (const size of SIZES) {
    test(`a foreign wallet answers through the browser on a ${size.name} in ${scheme}`, async () => {
      const wallet = (request) => theirs.platform(request, lanyard)
      const { page, context, complaints, element } = await visit('/', { wallet, size, scheme })
      await shoot(page, `element-1-idle-${size.name}-${scheme}`)
      await element.getByRole('button', { name: 'Verify with your wallet' }).click()
      await state(page, 'verified')
      await shoot(page, `element-2-verified-${size.name}-${scheme}`)
      assert.equal(await overflowsSideways(page), false)
      const id = await idOf(page)
      assert.match(await page.locator('#outcome').innerText(), new RegExp(id), 'the page was told by its event')
      const { state: verdict, reason, credentials } = await lanyard.verdict(id)
      assert.equal(verdict, 'verified', reason)
      assert.equal(Object.values(credentials)[0].length, 1)
      assert.deepEqual(complaints, [])
      await context.close()
    })

    test(`our wallet answers the code on a ${size.name} in ${scheme}`, async () => {
      const { page, context, complaints, element } = await visit('/code', { size, scheme })
      await element.getByRole('button', { name: 'Verify with your wallet' }).click()
      await state(page, 'waiting')
      const other = element.getByRole('button', { name: 'Use another device' })
      if (await other.isVisible()) await other.click()
      await element.locator('.code svg').waitFor()
      await shoot(page, `element-3-code-${size.name}-${scheme}`)
      assert.equal(await overflowsSideways(page), false)
      const link = await linkOf(page)
      assert.doesNotMatch(link, new RegExp(await idOf(page)), 'the code has the transaction in it')
      await ours.present(link, { trustAnchorFiles: [lanyard.trustAnchorFile] })
      await state(page, 'verified')
      assert.deepEqual(complaints, [])
      await context.close()
    })
  }
}

test('a holder who says no in the browser still has the code', async () => {
  const { page, context, element } = await visit('/', { wallet: () => null, size: DESKTOP })
  await element.getByRole('button', { name: 'Verify with your wallet' }).click()
  await state(page, 'waiting')
  await element.getByRole('button', { name: 'Use another device' }).click()
  await element.locator('.code svg').waitFor()
  await ours.present(await linkOf(page), { trustAnchorFiles: [lanyard.trustAnchorFile] })
  await state(page, 'verified')
  await context.close()
})

test('an answer for another origin is refused, and the page says why', async () => {
  const wallet = async (request) => {
    if (request.protocol !== 'openid4vp-v1-unsigned') return null
    return theirs.platform({ ...request, origin: 'https://evil.example' }, lanyard)
  }
  const { page, context, element } = await visit('/', { wallet, size: PHONE })
  await page.evaluate(() => {
    window.DigitalCredential.userAgentAllowsProtocol = (name) => name === 'openid4vp-v1-unsigned'
  })
  await element.getByRole('button', { name: 'Verify with your wallet' }).click()
  await state(page, 'refused')
  await shoot(page, 'element-4-refused')
  await element.getByText(/could not be accepted/).first().waitFor()
  await element.getByText(/another credential/).first().waitFor()
  assert.match((await lanyard.verdict(await idOf(page))).reason, /audience_mismatch/)
  await context.close()
})

test('the code changes while it is shown, and an old one is of no use', async () => {
  const { page, context, element } = await visit('/code', { size: DESKTOP })
  await element.getByRole('button', { name: 'Verify with your wallet' }).click()
  await element.locator('.code svg').waitFor()
  const first = await linkOf(page)
  assert.match(decodeURIComponent(first), /~/, 'the link has a stamp')
  await page.waitForFunction(
    (first) => document.querySelector('lanyard-verify').shadowRoot.querySelector('a').href !== first,
    first,
    { timeout: 120_000 },
  )
  await context.close()
})

test('the element speaks German where it is told to', async () => {
  const { page, context, element } = await visit('/deutsch', { size: PHONE })
  await element.getByRole('button', { name: 'Mit der Wallet nachweisen' }).click()
  await state(page, 'waiting')
  await element.getByRole('link', { name: 'Wallet auf diesem Gerät öffnen' }).waitFor()
  await element.getByText('Warten auf eine Wallet.').waitFor()
  await context.close()
})

test('everything is reached by the keyboard, and what happens is announced', async () => {
  const { page, context, element } = await visit('/code', { size: DESKTOP })
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await state(page, 'waiting')
  const status = element.getByRole('status')
  assert.equal(await status.getAttribute('aria-live'), 'polite')
  assert.match(await status.innerText(), /Waiting for a wallet/)
  assert.equal(await element.getByRole('img', { name: /QR code/ }).count(), 1)
  await context.close()
})

test('a question that is not ready to ask, and a page that may not ask, say so', async () => {
  const { page, context, element } = await visit('/unknown', { size: DESKTOP })
  await element.getByRole('button', { name: 'Verify with your wallet' }).click()
  await state(page, 'failed')
  assert.ok(await element.getByRole('button', { name: 'Try again' }).isVisible())
  await context.close()
})
