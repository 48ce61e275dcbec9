// The switches of the Issue page, for whoever makes a wallet: each demand, each flow, each format, and Pocket takes it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startLanyard } from '../scenarios/lib/lanyard.mjs'
import { DESKTOP, launch, openPage, overflowsSideways, PHONE, SCHEMES, shoot, unlabelledControls } from './chromium.mjs'

const FORMATS = {
  employee_badge: 'SD-JWT VC',
  driving_licence: 'ISO mdoc',
  safety_training: /W3C credential/,
  alumni_membership: /W3C credential/,
}
const DEMANDS = ['Demand DPoP', 'Demand a wallet attestation', 'Demand encryption', 'One copy at a time']

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

/** Fills in the form with these switches on, and no others. */
async function offer(page, type, { on = [], deferral, txCode = false, login = false } = {}) {
  await page.goto(`${lanyard.base}/issue/new/${type}`)
  const set = (label, value) => page.getByLabel(label).setChecked(value, { force: true })
  for (const label of DEMANDS) await set(label, on.includes(label))
  await set('Ask for a transaction code', txCode)
  if (login) await set('Let the holder log in', true)
  if (deferral) await page.getByLabel('When it is ready').selectOption({ label: deferral })
  await page.getByRole('button', { name: 'Create the offer' }).click()
  await page.getByRole('button', { name: 'Open in Pocket' }).waitFor()
  return text(page)
}

async function toPocket(page) {
  await page.getByRole('button', { name: 'Open in Pocket' }).click()
  await page.getByRole('button', { name: 'Add to Pocket' }).click()
}

for (const scheme of SCHEMES) {
  for (const size of [PHONE, DESKTOP]) {
    test(`the form and the offer are easy to read on a ${size.name} in ${scheme}`, async () => {
      const { page, context, complaints } = await openPage(browser, { size, scheme })
      const photo = async (name) => {
        await shoot(page, `sandbox-${name}-${size.name}-${scheme}`)
        assert.equal(await overflowsSideways(page), false, `${name} scrolls sideways`)
        assert.deepEqual(await unlabelledControls(page), [], `${name} has controls without a name`)
      }
      await page.goto(`${lanyard.base}/issue`)
      await photo('1-choose')
      await page.goto(`${lanyard.base}/issue/new/employee_badge`)
      await photo('2-form')
      const shown = await offer(page, 'employee_badge', { on: DEMANDS })
      assert.match(shown, /demo-dpop-attested-encrypted-single/)
      assert.match(shown, /sandbox\/attestation/)
      await photo('3-offer')
      assert.deepEqual(complaints, [])
      await context.close()
    })
  }
}

for (const demand of [[], ...DEMANDS.map((one) => [one]), DEMANDS]) {
  test(`Pocket takes what demands ${demand.join(', ') || 'nothing'}`, async () => {
    const { page, context, complaints } = await openPage(browser, { size: PHONE })
    await offer(page, 'employee_badge', { on: demand })
    await toPocket(page)
    assert.match(await text(page), /Added to Pocket/)
    assert.deepEqual(complaints, [])
    await context.close()
  })
}

for (const [type, format] of Object.entries(FORMATS)) {
  test(`Pocket takes ${type} under every demand, in its format`, async () => {
    const { page, context } = await openPage(browser, { size: PHONE })
    await page.goto(`${lanyard.base}/issue/new/${type}`)
    const shown = await text(page)
    assert.ok(typeof format === 'string' ? shown.includes(format) : format.test(shown), shown)
    await offer(page, type, { on: DEMANDS })
    await toPocket(page)
    assert.match(await text(page), /Added to Pocket/)
    await context.close()
  })
}

test('Pocket logs in where everything is demanded', async () => {
  const { page, context, complaints } = await openPage(browser, { size: PHONE })
  await offer(page, 'employee_badge', { on: DEMANDS, login: true })
  await toPocket(page)
  await page.getByLabel('Name').fill('ada')
  await page.getByLabel('Password').fill('demo')
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('button', { name: 'Allow' }).click()
  await page.waitForURL(/\/pocket/)
  assert.match(await text(page), /Employee badge/)
  assert.deepEqual(complaints, [])
  await context.close()
})

test('Pocket waits for what is ready in ten seconds, and has it then', async () => {
  const { page, context, complaints } = await openPage(browser, { size: PHONE })
  await offer(page, 'university_diploma', { on: ['Demand DPoP', 'Demand encryption'], deferral: '10 seconds from now' })
  await toPocket(page)
  const deadline = Date.now() + 120_000
  do {
    await page.goto(`${lanyard.base}/pocket`)
  } while (!/diploma/i.test(await text(page)) && Date.now() < deadline)
  assert.match(await text(page), /diploma/i)
  assert.deepEqual(complaints, [])
  await context.close()
})

test('who logs in types in no transaction code: that switch goes off and on with the other', async () => {
  const { page, context } = await openPage(browser, { size: PHONE })
  await page.goto(`${lanyard.base}/issue/new/employee_badge`)
  const code = page.getByLabel('Ask for a transaction code')
  assert.equal(await code.isDisabled(), false)
  await page.getByLabel('Let the holder log in').setChecked(true, { force: true })
  assert.equal(await code.isDisabled(), true)
  await page.getByLabel('Let the holder log in').setChecked(false, { force: true })
  assert.equal(await code.isDisabled(), false)
  await context.close()
})

test('what was switched on stays on when a field needs a look', async () => {
  const { page, context } = await openPage(browser, { size: PHONE })
  await page.goto(`${lanyard.base}/issue/new/employee_badge`)
  await page.getByLabel('Given name').fill('')
  await page.getByLabel('Demand DPoP').setChecked(true, { force: true })
  await page.getByLabel('When it is ready').selectOption({ label: '1 minute from now' })
  await page.getByRole('button', { name: 'Create the offer' }).click()
  await page.getByText('One field needs a look').waitFor()
  assert.equal(await page.getByLabel('Demand DPoP').isChecked(), true)
  assert.equal(await page.getByLabel('When it is ready').inputValue(), '60')
  await shoot(page, 'sandbox-fault')
  await context.close()
})
