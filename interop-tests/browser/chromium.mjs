// Debian's Chromium through Playwright, headless and alone: it speaks to loopback and to nothing else.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { ROOT } from '../scenarios/lib/process.mjs'

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export const PHONE = { name: 'phone', viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }
export const DESKTOP = { name: 'desktop', viewport: { width: 1280, height: 900 } }
export const SIZES = [PHONE, DESKTOP]
export const SCHEMES = ['light', 'dark']

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS })
}

/**
 * A page of one size and colour scheme. It refuses every host but loopback, and remembers what a page must not
 * have: errors on the console, failed requests, requests that wanted to leave the machine.
 */
export async function openPage(browser, { size = DESKTOP, scheme = 'light', javaScript = true } = {}) {
  const { name: _, ...device } = size
  const context = await browser.newContext({ ...device, colorScheme: scheme, javaScriptEnabled: javaScript })
  const complaints = []
  await context.route('**/*', (route) => {
    const { hostname, protocol } = new URL(route.request().url())
    if (protocol === 'data:' || hostname === 'localhost' || hostname === '127.0.0.1') return route.continue()
    complaints.push(`wanted to leave the machine: ${route.request().url()}`)
    return route.abort()
  })
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  page.on('pageerror', (error) => complaints.push(`error in the page: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`error on the console: ${message.text()}`)
  })
  page.on('response', (reply) => {
    if (reply.status() >= 500) complaints.push(`${reply.status()} from ${reply.url()}`)
  })
  return { page, context, complaints }
}

/** Full-page screenshots of an address, phone and desktop, light and dark, into `screenshots/` (not committed). */
export async function photograph(browser, address, name, prepare = async () => {}) {
  const paths = []
  for (const size of SIZES) {
    for (const scheme of SCHEMES) {
      const { page, context } = await openPage(browser, { size, scheme })
      await page.goto(address, { waitUntil: 'load' })
      await prepare(page)
      paths.push(await shoot(page, `${name}-${size.name}-${scheme}`))
      await context.close()
    }
  }
  return paths
}

/** One full-page screenshot of a page as it stands. */
export async function shoot(page, name) {
  const folder = join(ROOT, 'screenshots')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${name}.png`)
  // a page that gives way to the next while its picture is taken cannot be captured: the next one can
  for (let tries = 3; ; tries -= 1) {
    await page.waitForLoadState('load')
    try {
      await page.screenshot({ path, fullPage: true })
      return path
    } catch (error) {
      if (tries === 1 || !/Unable to capture screenshot/.test(error.message)) throw error
    }
  }
}

/** Whether the page is wider than its window: on a phone nothing may have to be scrolled sideways. */
export function overflowsSideways(page) {
  return page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)
}

/** Form controls without an accessible name, as HTML, for the test to print. */
export function unlabelledControls(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll('input:not([type=hidden]), select, textarea, button, a[href]')]
      .filter((control) => {
        const label = control.labels?.[0]?.textContent ?? ''
        const named = control.getAttribute('aria-label') ?? control.getAttribute('aria-labelledby') ?? ''
        return `${label}${named}${control.textContent}${control.title}${control.value && control.type === 'submit' ? 'x' : ''}`.trim() === ''
      })
      .map((control) => control.outerHTML.slice(0, 160)),
  )
}
