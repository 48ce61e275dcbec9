// The full circle through the pages: issue, accept, present, read the verdict. One test a story.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startLanyard } from '../scenarios/lib/lanyard.mjs'
import { DESKTOP, launch, openPage, overflowsSideways, PHONE, SCHEMES, shoot, SIZES, unlabelledControls } from './chromium.mjs'

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

/** Issues a credential type into Pocket, through the pages, and leaves the page at Pocket. */
async function issueIntoPocket(page, type, { txCode = false } = {}) {
  await page.goto(`${lanyard.base}/issue/new/${type}`)
  const ask = page.getByLabel('Ask for a transaction code')
  if ((await ask.isChecked()) !== txCode) await ask.setChecked(txCode, { force: true })
  await page.getByRole('button', { name: 'Create the offer' }).click()
  const open = page.getByRole('link', { name: 'Open in Pocket' }).or(page.getByRole('button', { name: 'Open in Pocket' }))
  await open.waitFor()
  const code = txCode ? (await page.locator('main').innerText()).match(/\b\d{6}\b/)[0] : undefined
  await open.click()
  return code
}

/** Asks a preset question on this device and leaves the page at Pocket's review. */
async function ask(page, preset) {
  await page.goto(`${lanyard.base}/verify`)
  const form = page.locator(`form:has(input[name=preset][value=${preset}])`)
  await form.getByRole('button', { name: 'On this device' }).click()
  await page.getByRole('link', { name: 'Open in Pocket' }).or(page.getByRole('button', { name: 'Open in Pocket' })).click()
}

/** Consents, and goes back to the verifier as the wallet says. */
async function share(page) {
  await page.getByRole('button', { name: 'Share' }).click()
  await page.getByRole('link', { name: 'Continue at the verifier' }).click()
  await page.getByText('Verified', { exact: true }).first().waitFor()
}

const text = (page) => page.locator('main').innerText()

for (const size of SIZES) {
  for (const scheme of SCHEMES) {
    test(`a badge is issued, held, shown and verified on a ${size.name} in ${scheme}`, async () => {
      const { page, context, complaints } = await openPage(browser, { size, scheme })
      const photo = async (name) => {
        await shoot(page, `circle-${name}-${size.name}-${scheme}`)
        assert.equal(await overflowsSideways(page), false, `${name} scrolls sideways`)
        assert.deepEqual(await unlabelledControls(page), [], `${name} has controls without a name`)
      }
      await page.goto(lanyard.base)
      await photo('1-start')
      await issueIntoPocket(page, 'employee_badge')
      await photo('2-review')
      assert.match(await text(page), /Nothing was sent yet/)
      await page.getByRole('button', { name: 'Add to Pocket' }).click()
      await photo('3-card')
      await ask(page, 'badge')
      await photo('4-request')
      assert.match(await text(page), /Department/)
      assert.doesNotMatch(await text(page), /Work e-mail/)
      await share(page)
      await photo('5-verdict')
      const verdict = await text(page)
      assert.match(verdict, /Ada/)
      assert.doesNotMatch(verdict, /ada\.moreau@/)
      await page.getByText('The answer, as the wallet gave it').click()
      const answer = await text(page)
      assert.match(answer, /kb\+jwt/)
      assert.doesNotMatch(answer, /ada\.moreau@/)
      await page.goto(`${lanyard.base}/pocket/history`)
      await photo('6-history')
      assert.deepEqual(complaints, [])
      await context.close()
    })
  }
}

test('a wrong transaction code costs a try, says so, and the right one still works', async () => {
  const { page, context, complaints } = await openPage(browser, { size: PHONE })
  const code = await issueIntoPocket(page, 'verified_identity', { txCode: true })
  const field = () => page.getByLabel(/Transaction code/)
  await field().fill(code === '000000' ? '000001' : '000000')
  await page.getByRole('button', { name: 'Add to Pocket' }).click()
  await shoot(page, 'tx-code-wrong')
  assert.match(await text(page), /(not|wrong)/i)
  await field().fill(code)
  await page.getByRole('button', { name: 'Add to Pocket' }).click()
  assert.doesNotMatch(await text(page), /Transaction code/)
  await page.goto(`${lanyard.base}/pocket`)
  assert.match(await text(page), /Verified identity/)
  assert.deepEqual(complaints, [])
  await context.close()
})

test('over 18 is shown without the birth date', async () => {
  const { page, context } = await openPage(browser, { size: PHONE })
  await issueIntoPocket(page, 'verified_identity')
  await page.getByRole('button', { name: 'Add to Pocket' }).click()
  await ask(page, 'age')
  assert.doesNotMatch(await text(page), /1990/)
  await share(page)
  const verdict = await text(page)
  assert.match(verdict, /18/)
  assert.doesNotMatch(verdict, /1990|Moreau/)
  await shoot(page, 'age-verdict')
  await context.close()
})

test('a holder who declines is told to the verifier as declined, and nothing else is', async () => {
  const { page, context } = await openPage(browser, { size: DESKTOP })
  await issueIntoPocket(page, 'employee_badge')
  await page.getByRole('button', { name: 'Add to Pocket' }).click()
  await ask(page, 'badge')
  await page.getByRole('button', { name: 'Decline' }).click()
  await page.waitForLoadState()
  await shoot(page, 'declined')
  assert.match(await text(page), /declin/i)
  await page.goto(`${lanyard.base}/pocket/history`)
  assert.match(await text(page), /declin/i)
  await context.close()
})

test('a question of one’s own that is wrong is explained on the page', async () => {
  const { page, context } = await openPage(browser, { size: DESKTOP })
  await page.goto(`${lanyard.base}/verify`)
  const form = page.locator('form:has(input[name=preset][value=own])')
  await page.locator('details').last().evaluate((details) => { details.open = true })
  await form.locator('textarea').first().fill('{"credentials": []}')
  await form.getByRole('button', { name: 'Show a QR code' }).click()
  await shoot(page, 'own-query-wrong')
  assert.match(await text(page), /credential/i)
  assert.equal(await page.locator('textarea').first().inputValue(), '{"credentials": []}')
  await context.close()
})

test('the circle closes without JavaScript', async () => {
  const { page, context } = await openPage(browser, { size: PHONE, javaScript: false })
  await issueIntoPocket(page, 'university_diploma')
  await page.getByRole('button', { name: 'Add to Pocket' }).click()
  await ask(page, 'diploma')
  await share(page)
  await shoot(page, 'no-javascript')
  await context.close()
})

test('a browser that did not ask does not get the answer', async () => {
  const one = await openPage(browser, { size: DESKTOP })
  await issueIntoPocket(one.page, 'employee_badge')
  await one.page.getByRole('button', { name: 'Add to Pocket' }).click()
  await ask(one.page, 'badge')
  await share(one.page)
  const other = await openPage(browser, { size: DESKTOP })
  await other.page.goto(one.page.url())
  assert.doesNotMatch(await text(other.page), /Moreau/)
  await one.context.close()
  await other.context.close()
})
