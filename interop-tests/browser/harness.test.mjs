// The harness itself, on a page of its own: what it must see it sees.
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { listen } from '../peers/lib/server.mjs'
import { launch, openPage, overflowsSideways, PHONE, photograph, unlabelledControls } from './chromium.mjs'

const html = (body) => ({
  text: `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>t</title>${body}`,
  headers: { 'content-type': 'text/html; charset=utf-8' },
})

let browser
let base
let server
before(async () => {
  browser = await launch()
  ;({ base, server } = await listen(0, async () => ({
    'GET /': () => html('<h1>Calm</h1><label>Name <input></label>'),
    'GET /wide': () => html('<div style="width: 900px">wide</div><input>'),
    'GET /abroad': () => html('<img src="https://lanyard.example/logo.png">'),
  })))
})
after(async () => {
  await browser?.close()
  server?.close()
  server?.closeAllConnections()
})

test('photographs a page on phone and desktop, light and dark', async () => {
  const paths = await photograph(browser, base, 'harness')
  assert.equal(paths.length, 4)
  for (const path of paths) assert.ok(statSync(path).size > 1000)
})

test('sees a page that is too wide for a phone, and a control without a name', async () => {
  const { page, context } = await openPage(browser, { size: PHONE })
  await page.goto(`${base}/wide`)
  assert.equal(await overflowsSideways(page), true)
  assert.equal((await unlabelledControls(page)).length, 1)
  await page.goto(base)
  assert.equal(await overflowsSideways(page), false)
  assert.deepEqual(await unlabelledControls(page), [])
  await context.close()
})

test('stops and reports a request that would leave the machine', async () => {
  const { page, context, complaints } = await openPage(browser)
  await page.goto(`${base}/abroad`)
  assert.ok(complaints.some((complaint) => complaint.includes('lanyard.example')))
  await context.close()
})
