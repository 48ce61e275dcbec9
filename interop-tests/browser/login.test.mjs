// The holder logs in at the issuer before the wallet gets anything: offer, review, login, consent, card.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startLanyard } from '../scenarios/lib/lanyard.mjs'
import { DESKTOP, launch, openPage, overflowsSideways, PHONE, shoot, unlabelledControls } from './chromium.mjs'

let lanyard
let browser

before(async () => {
  lanyard = await startLanyard()
  browser = await launch()
})

after(async () => {
  await browser?.close()
  await lanyard?.stop()
})

const text = (page) => page.locator('main').innerText()

/** An offer that wants a login, opened in Pocket and taken to the issuer's login page. */
async function toLogin(page) {
  await page.goto(`${lanyard.base}/issue/new/employee_badge`)
  await page.getByLabel('Let the holder log in').setChecked(true, { force: true })
  await page.getByRole('button', { name: 'Create the offer' }).click()
  await page.getByRole('link', { name: 'Open in Pocket' }).or(page.getByRole('button', { name: 'Open in Pocket' })).click()
  await page.getByRole('button', { name: 'Add to Pocket' }).click()
  await page.getByRole('button', { name: 'Log in' }).waitFor()
}

async function logIn(page, password) {
  await page.getByLabel('Name').fill('ada')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
}

for (const [size, scheme, javaScript] of [
  [PHONE, 'light', true],
  [PHONE, 'dark', false],
  [DESKTOP, 'light', false],
]) {
  const way = `on a ${size.name} in ${scheme}, ${javaScript ? 'with' : 'without'} JavaScript`

  test(`a holder logs in, consents, and has the badge ${way}`, async () => {
    const { page, context, complaints } = await openPage(browser, { size, scheme, javaScript })
    const name = `login-${size.name}-${scheme}`
    await toLogin(page)
    assert.deepEqual(await unlabelledControls(page), [])
    await shoot(page, name)
    await logIn(page, 'not-the-password')
    assert.match(await page.locator('body').innerText(), /do not belong together/)
    await logIn(page, 'demo')
    await page.getByRole('button', { name: 'Allow' }).waitFor()
    assert.equal(await overflowsSideways(page), false)
    assert.deepEqual(await unlabelledControls(page), [])
    await shoot(page, name.replace('login', 'consent'))
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.waitForURL(/\/pocket/)
    assert.match(await text(page), /Employee badge/)
    assert.deepEqual(complaints, [])
    await context.close()
  })
}

test('a holder who does not consent gets nothing, and is told so', async () => {
  const { page, context } = await openPage(browser, { size: PHONE })
  await toLogin(page)
  await logIn(page, 'demo')
  await page.getByRole('button', { name: 'Allow' }).waitFor()
  await page.getByRole('button', { name: /Deny|Cancel|Decline/ }).click()
  await page.waitForURL(/\/pocket/)
  assert.match(await text(page), /You declined at the issuer/)
  await shoot(page, 'login-denied')
  await context.close()
})
