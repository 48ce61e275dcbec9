// Lanyard as the issuer that the suite's plans for issuers examine: over https, with a login that the suite's browser does.
import { exportJWK, generateKeyPair } from 'jose'
import { readFileSync } from 'node:fs'
import { LANYARD_BIN, samplesOf } from '../scenarios/lib/lanyard.mjs'
import { runToEnd } from '../scenarios/lib/process.mjs'
import { newSigner } from '../peers/lib/x509.mjs'
import { sampleOf, serveLanyard } from '../scenarios/lib/served.mjs'

const CLIENTS = ['oidf-one', 'oidf-two']
const [USER, PASSWORD] = ['ada', 'correct horse battery staple']

/** An mdoc without the elements that ISO/IEC 18013-5 demands of a driving licence, which the suite looks for in an mDL. */
const PID = {
  id: 'pid',
  format: 'mso_mdoc',
  doctype: 'eu.europa.ec.eudi.pid.1',
  name: 'Person identification data',
  description: 'Who somebody is.',
  background_color: '#27496d',
  text_color: '#ffffff',
  valid_days: 365,
  status: true,
  batch_size: 20,
  holder: ['given_name', 'family_name'],
  claims: [
    { path: ['eu.europa.ec.eudi.pid.1', 'given_name'], name: 'Given name', mandatory: true, sample: 'Ada' },
    { path: ['eu.europa.ec.eudi.pid.1', 'family_name'], name: 'Family name', mandatory: true, sample: 'Moreau' },
    { path: ['eu.europa.ec.eudi.pid.1', 'birth_date'], name: 'Date of birth', kind: 'date', sample: '1990-12-10' },
  ],
}

/** Begins an issuer, and says how the suite finds it: `{ configuration, step, stop }`. */
export async function beginIssuer({ suite, alias, profile, authentication, type, withStatus }) {
  const attester = await newSigner({ name: 'OIDF wallet provider' })
  const keys = await Promise.all(CLIENTS.map(newClientKey))
  const callback = `${suite.base}/test/a/${alias}/callback`
  const redirects = [callback, `${callback}?dummy1=lorem&dummy2=ipsum`]
  const { stdout: hash } = await runToEnd(LANYARD_BIN, ['hash-password'], { stdin: PASSWORD })
  const holder = { name: USER, password_hash: hash.trim(), claims: { [type]: type === PID.id ? samplesOf(PID) : sampleOf(type) } }
  const files = {
    'attesters.pem': attester.trustAnchorPem,
    'holders.json': JSON.stringify([holder]),
    'types/pid.json': JSON.stringify(PID),
    ...Object.fromEntries(keys.map((key, at) => [`client-${at}.json`, JSON.stringify({ keys: [publicOf(key)] })])),
  }
  const extra = [
    `profile = "${profile}"`,
    'wallet_attesters = ["attesters.pem"]',
    'key_attesters = ["attesters.pem"]',
    'login = { holders = "holders.json" }',
    ...(withStatus ? ['status_lists = { ttl_seconds = 300 }'] : []),
    ...CLIENTS.flatMap((id, at) => [
      '[[tenants.clients]]',
      `id = "${id}"`,
      `redirect_uris = ${JSON.stringify(redirects)}`,
      `authentication = "${authentication}"`,
      ...(authentication === 'private_key_jwt' ? [`keys = "client-${at}.json"`] : []),
    ]),
  ].join('\n')
  const server = await serveLanyard({ types: [type], files, extra })
  const anchor = readFileSync(server.trustAnchorFile, 'utf8')
  const attesterKeys = { keys: [{ ...attester.privateJwk, kid: 'attester', use: 'sig', x5c: attester.x5c }] }
  const client = (at) => ({ client_id: CLIENTS[at], scope: type, jwks: { keys: [keys[at]] } })
  return {
    server,
    stop: server.stop,
    configuration: {
      alias,
      description: `Lanyard as issuer, ${profile}`,
      vci: { credential_issuer_url: server.issuer, credential_configuration_id: type },
      client: client(0),
      client2: client(1),
      client_attestation: { issuer: 'https://wallet-provider.example/', attester_jwks: attesterKeys, key_attestation_jwks: attesterKeys },
      credential: { trust_anchor_pem: anchor, status_list_trust_anchor_pem: anchor },
      browser: [visit(server.issuer, callback, 'allow')],
      override: {
        'fapi2-security-profile-final-user-rejects-authentication': { browser: [visit(server.issuer, callback, 'deny')] },
        'fapi2-security-profile-final-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds': {
          browser: [{ ...looksAtThePage(server.issuer), 'match-limit': 1 }, visit(server.issuer, callback, 'allow')],
        },
      },
      options: { browsercontrol_css_enable: false },
    },
    async step() {},
  }
}

/** What the suite's browser does: log in, decide, come back; a page that says why nothing can be done is kept as evidence. */
function visit(issuer, callback, decision) {
  const page = `${issuer}/authorize*`
  return {
    match: page,
    tasks: [
      {
        task: 'Log in',
        optional: true,
        match: page,
        commands: [
          ['text', 'name', 'user', USER, 'optional'],
          ['text', 'name', 'password', PASSWORD, 'optional'],
          ['click', 'css', 'button[value=log_in]', 'optional'],
        ],
      },
      { task: 'Decide', match: page, optional: true, commands: [['click', 'css', `button[value=${decision}]`, 'optional']] },
      { task: 'Come back', match: `${callback}*`, optional: true, commands: [['wait', 'id', 'submission_complete', 10]] },
      {
        task: 'Keep the page',
        match: page,
        optional: true,
        commands: [['wait', 'xpath', '//*', 10, '.*', 'update-image-placeholder-optional']],
      },
    ],
  }
}

const looksAtThePage = (issuer) => ({
  match: `${issuer}/authorize*`,
  tasks: [{ task: 'Look', commands: [['wait', 'name', 'user', 10]] }],
})

async function newClientKey(kid) {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  return { ...(await exportJWK(privateKey)), kid, use: 'sig', alg: 'ES256' }
}

const publicOf = ({ d: _, ...key }) => key
