// Wallets on the JVM and the authorization code flow: PAR, PKCE, DPoP, a login in a browser, wallet attestations.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { newSigner } from '../peers/lib/x509.mjs'
import { newJvmWallet, SKIP } from './lib/jvm.mjs'
import { writeFile } from './lib/process.mjs'
import { sampleOf, serveLanyard } from './lib/served.mjs'

/** Ada, whose password is `demo`, and the wallets that may ask her to log in. */
const HOLDERS = JSON.stringify([
  {
    name: 'ada',
    password_hash:
      '$argon2id$v=19$m=19456,t=2,p=1$nvrQbgu1rMPnfwIAx76ImQ$3tPGFM9cFW7Xc83R9ySt1Zaz/XwBTNUdUNf8PxU0n7U',
    claims: { badge: sampleOf('badge') },
  },
])
const LOGIN = ['login = { holders = "holders.json" }']
/** OpenID4VCI 1.0 appendix F.1 lets a client that logged in name itself in its key proofs. */
const client = (authentication) => [
  '[[tenants.clients]]',
  'id = "lanyard-interop"',
  'redirect_uris = ["https://wallet.example/callback"]',
  `authentication = "${authentication}"`,
]

describe('a holder who logs in', { skip: SKIP }, () => {
  const flags = ['--login', 'ada:demo']
  let lanyard
  before(async () => {
    const extra = [...LOGIN, ...client('none')].join('\n')
    lanyard = await serveLanyard({ files: { 'holders.json': HOLDERS }, extra })
  })
  after(() => lanyard?.stop())

  test('their wallet pushes its request, logs its holder in and takes a credential [eudi]', async () => {
    const { link } = await lanyard.offer({ login: 'only', holder: 'ada' })
    const dpop = [...flags, '--dpop', 'ES256']
    const { token_type: tokenType, credentials } = await newJvmWallet('eudi').accept(link, { ...lanyard, flags: dpop })
    assert.equal(tokenType, 'DPoP')
    assert.equal(credentials[0].claims.given_name, 'Ada')
  })

  test('their wallet pushes its request, logs its holder in and takes a credential [multipaz]', async () => {
    const { link } = await lanyard.offer({ login: 'only', holder: 'ada' })
    const { credentials } = await newJvmWallet('multipaz').accept(link, { ...lanyard, flags })
    assert.equal(credentials[0].claims.given_name, 'Ada')
  })

  test('our server does not log in who types a wrong password [multipaz]', async () => {
    const { link } = await lanyard.offer({ login: 'only', holder: 'ada' })
    const wrong = { ...lanyard, flags: ['--login', 'ada:guess'] }
    await assert.rejects(newJvmWallet('multipaz').accept(link, wrong), /do not belong together|answered/)
  })

  test('multipaz-credential-identifiers: the wallet is told identifiers and uses none of them [multipaz]', async () => {
    const { link } = await lanyard.offer()
    await assert.rejects(newJvmWallet('multipaz').accept(link, lanyard), /must use one/)
  })

  test('our server refuses a wrong tx_code with invalid_grant [multipaz]', async () => {
    const { link, tx_code: txCode } = await lanyard.offer({ txCode: true })
    const wrong = txCode.replace(/./, (digit) => String((Number(digit) + 1) % 10))
    await assert.rejects(newJvmWallet('multipaz').accept(link, { ...lanyard, txCode: wrong }), /invalid_grant/)
  })
})

describe('HAIP: wallets that somebody attests', { skip: SKIP }, () => {
  const flags = ['--login', 'ada:demo']
  let lanyard
  let attester
  before(async () => {
    const signer = await newSigner({ name: 'Wallet provider' })
    const jwk = JSON.stringify({ ...signer.privateJwk, x5c: signer.x5c })
    const attesters = ['profile = "haip"', 'wallet_attesters = ["attesters.pem"]']
    const extra = [...attesters, ...LOGIN, ...client('attestation')].join('\n')
    const files = { 'holders.json': HOLDERS, 'attesters.pem': signer.trustAnchorPem, 'attester.jwk': jwk }
    lanyard = await serveLanyard({ files, extra })
    attester = ['--attester', join(lanyard.folder, 'attester.jwk')]
  })
  after(() => lanyard?.stop())

  test('their wallet is attested, pushes its request, logs its holder in and takes a credential [multipaz]', async () => {
    const { link } = await lanyard.offer({ login: 'only', holder: 'ada' })
    const attested = { ...lanyard, flags: [...flags, ...attester] }
    const { credentials } = await newJvmWallet('multipaz').accept(link, attested)
    assert.equal(credentials[0].claims.given_name, 'Ada')
  })

  test('our server refuses the attestation of a stranger [multipaz]', async () => {
    const stranger = await newSigner({ name: 'Stranger' })
    const file = writeFile(lanyard.folder, 'stranger.jwk', JSON.stringify({ ...stranger.privateJwk, x5c: stranger.x5c }))
    const { link } = await lanyard.offer({ login: 'only', holder: 'ada' })
    const attested = { ...lanyard, flags: [...flags, '--attester', file] }
    await assert.rejects(newJvmWallet('multipaz').accept(link, attested), /authenticated channel/)
  })
})
