// Pocket, the demo's wallet, as the suite's plans for wallets examine it; the suite's own browser opens it.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { exportJWK, generateKeyPair } from 'jose'
import { newSigner } from '../peers/lib/x509.mjs'
import { startLanyard } from '../scenarios/lib/lanyard.mjs'
import { newFolder, writeFile } from '../scenarios/lib/process.mjs'

const TX_CODE = '123456'
const BETWEEN_VISITS = 7_000

/** What the card that Pocket has is asked for, by the suite's name of the format. */
const QUERIES = {
  sd_jwt_vc: {
    type: 'employee_badge',
    query: {
      id: 'badge',
      format: 'dc+sd-jwt',
      meta: { vct_values: ['urn:lanyard:demo:employee-badge:1'] },
      claims: [{ path: ['given_name'] }, { path: ['family_name'] }],
    },
  },
  iso_mdl: {
    type: 'driving_licence',
    query: {
      id: 'licence',
      format: 'mso_mdoc',
      meta: { doctype_value: 'org.iso.18013.5.1.mDL' },
      claims: [{ path: ['org.iso.18013.5.1', 'given_name'] }, { path: ['org.iso.18013.5.1', 'family_name'] }],
    },
  },
}

/** Pocket, and a signer whom it believes. */
async function pocket(suite) {
  const signer = await newSigner({ name: 'OIDF suite', dns: ['localhost'] })
  const anchor = writeFile(newFolder('oidf'), 'anchor.pem', signer.trustAnchorPem)
  const { host } = new URL(suite.base)
  const lanyard = await startLanyard([
    ...['--danger-auto-consent', '--tx-code', TX_CODE, '--pocket-trust-anchor', anchor],
    ...['--pocket-reach', host, '--pocket-tls-root', suite.caFile],
  ])
  const jwk = { ...signer.privateJwk, use: 'sig', kid: 'oidf', x5c: signer.x5c }
  const demo = readFileSync(lanyard.trustAnchorFile, 'utf8')
  return { lanyard, jwk, anchor: signer.trustAnchorPem, demo, open: `${lanyard.base}/pocket/open` }
}

/** Everything that the suite asks a browser to open, whether it ends at the suite or at Pocket's own page. */
const opens = (address) => ({
  match: `${address}*`,
  tasks: [
    { task: 'Answer', match: `${new URL(address).origin}/*`, optional: true, commands: [['click', 'css', 'a.continue', 'optional']] },
    { task: 'Come back', match: '*/callback*', optional: true, commands: [['wait', 'id', 'submission_complete', 10]] },
    {
      task: 'Keep the page',
      match: `${new URL(address).origin}/*`,
      optional: true,
      commands: [['wait', 'xpath', '//*', 10, '.*', 'update-image-placeholder-optional']],
    },
  ],
})

// the suite wants a picture; what Pocket's page says is in its log, and in the table
const PICTURE = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** Gives the suite its picture once its browser has seen Pocket's page. */
async function showPage(suite, { browser }, { id }) {
  if (browser.visited.length === 0 || browser.runners.length > 0) return
  const log = await suite.api(`log/${id}`)
  if (!pageOf(log)) return
  for (const { upload } of log) if (upload) await suite.picture(id, upload, PICTURE)
}

/** What the last page said that Pocket showed to the suite's browser. */
function pageOf(log) {
  const seen = log.filter(({ src, http }) => src === 'WebRunner' && http === 'response').at(-1)
  const title = /<title>([^·<]*)/.exec(seen?.response_content ?? '')
  return title && { status: seen.response_status_code, title: title[1].trim() }
}

const judged = (suite) => async (id, testModule) => {
  const page = pageOf(await suite.api(`log/${id}`))
  if (!page || !testModule.includes('negative-test')) return undefined
  return `Pocket answers ${page.status}: ${page.title}`
}

/** Begins a wallet with one card, and says how the suite asks it: `{ configuration, step, stop }`. */
export async function beginPresenter({ suite, alias, format }) {
  const { lanyard, jwk, demo, open } = await pocket(suite)
  const { type, query } = QUERIES[format]
  const { link } = await lanyard.offer({ type })
  const taken = await fetch(`${open}?${link.slice(link.indexOf('?') + 1)}`)
  if (!taken.ok) throw new Error(`Pocket did not take its card: ${await taken.text()}`)
  return {
    stop: lanyard.stop,
    configuration: {
      alias,
      description: 'Pocket presents',
      server: { authorization_endpoint: open },
      client: { client_id: 'localhost', jwks: { keys: [jwk] }, dcql: { credentials: [query] } },
      credential: { trust_anchor_pem: demo, status_list_trust_anchor_pem: demo },
      browser: [opens(open)],
      options: { browsercontrol_css_enable: false },
    },
    step: (runner, module) => showPage(suite, runner, module),
    judge: judged(suite),
  }
}

/** Begins a wallet without a card, and says how the suite offers it one: `{ configuration, step, stop }`. */
export async function beginReceiver({ suite, alias, configuration }) {
  const { lanyard, jwk, anchor, demo, open } = await pocket(suite)
  const opened = new Map()
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const serverKey = { ...(await exportJWK(privateKey)), kid: randomUUID(), use: 'sig', alg: 'PS256' }
  return {
    stop: lanyard.stop,
    configuration: {
      alias,
      description: 'Pocket takes',
      server: { jwks: { keys: [serverKey] } },
      client: { client_id: 'lanyard-wallet', redirect_uri: `${lanyard.base}/pocket/login` },
      credential: { signing_jwk: jwk, trust_anchor_pem: anchor, status_list_trust_anchor_pem: anchor },
      client_attestation: { issuer: lanyard.base, trust_anchor: demo, key_attestation_trust_anchor_pem: demo },
      vci: { credential_offer_endpoint: open, ...(configuration ? { credential_configuration_id: configuration } : {}) },
      browser: [opens(open)],
      options: { browsercontrol_css_enable: false },
    },
    step: async (runner, module) => {
      await showPage(suite, runner, module)
      // whoever opens Pocket has it ask again for what was put off, which the suite lets wait 5 seconds
      const isDeferred = module.variant?.vci_credential_issuance_mode === 'deferred'
      if (!isDeferred || Date.now() < (opened.get(module.id) ?? 0) + BETWEEN_VISITS) return
      if (opened.has(module.id)) await fetch(`${lanyard.base}/pocket`)
      opened.set(module.id, Date.now())
    },
    judge: judged(suite),
  }
}
