// Wallets on the JVM: the EU reference wallet's libraries, which insist on https, and Multipaz.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { newJvmWallet, SKIP } from './lib/jvm.mjs'
import { credentialQuery, inWords, query, WAYS } from './lib/queries.mjs'
import { serveLanyard } from './lib/served.mjs'

const VCT = 'urn:example:badge:1'
const LICENCE = 'org.iso.18013.5.1.mDL'
const ELEMENTS = 'org.iso.18013.5.1'
const NAME_AND_FLOOR = query(credentialQuery('badge', VCT, [['given_name'], ['desk', 'floor']]))

describe('the EU reference wallet, our issuer', { skip: SKIP }, () => {
  let lanyard
  before(async () => (lanyard = await serveLanyard({ types: ['badge', 'driving_licence'] })))
  after(() => lanyard?.stop())

  test('their wallet takes a credential from our issuer [eudi]', async () => {
    const { link } = await lanyard.offer()
    const { issuer, configuration, credentials } = await newJvmWallet('eudi').accept(link, lanyard)
    assert.equal(issuer, lanyard.issuer)
    assert.equal(configuration, 'badge')
    const [{ claims }] = credentials
    assert.equal(claims.vct, VCT)
    assert.equal(claims.family_name, 'Moreau')
    assert.deepEqual(claims.sites, ['Lyon', 'Cork'])
    assert.deepEqual(claims.desk, { floor: '3' })
  })

  test('their wallet takes a batch from our issuer, each copy bound to a key of its own [eudi]', async () => {
    const { link } = await lanyard.offer()
    const { credentials } = await newJvmWallet('eudi').accept(link, { ...lanyard, copies: 5 })
    assert.equal(new Set(credentials.map(({ claims }) => claims.cnf.jwk.x)).size, 5)
  })

  test('their wallet takes a credential from our issuer with a tx_code, after a wrong one [eudi]', async () => {
    const { link, tx_code: txCode } = await lanyard.offer({ txCode: true })
    const wrong = txCode.replace(/./, (digit) => String((Number(digit) + 1) % 10))
    const wallet = newJvmWallet('eudi')
    await assert.rejects(wallet.accept(link, { ...lanyard, txCode: wrong }), /invalid_grant/)
    const { credentials } = await wallet.accept(link, { ...lanyard, txCode })
    assert.equal(credentials[0].claims.given_name, 'Ada')
  })

  test('their wallet takes an mdoc from our issuer [eudi]', async () => {
    const { link } = await lanyard.offer({ configuration: 'driving_licence' })
    const { credentials } = await newJvmWallet('eudi').accept(link, lanyard)
    assert.equal(credentials[0].claims.doctype, LICENCE)
    assert.equal(credentials[0].claims[ELEMENTS].document_number, 'UT-4471902')
    assert.equal(credentials[0].claims[ELEMENTS].age_over_18, true)
  })

  test('our issuer gives an offer out once [eudi]', async () => {
    const { link } = await lanyard.offer()
    await newJvmWallet('eudi').accept(link, lanyard)
    await assert.rejects(newJvmWallet('eudi').accept(link, lanyard), /NonParseableCredentialOffer/)
  })

  test('their wallet binds its token to a DPoP key, with the nonces of our server [eudi]', async () => {
    const { link } = await lanyard.offer()
    const flags = ['--dpop', 'ES256']
    const { token_type: tokenType, credentials } = await newJvmWallet('eudi').accept(link, { ...lanyard, flags })
    assert.equal(tokenType, 'DPoP')
    assert.equal(credentials[0].claims.department, 'Research')
  })

  test('their wallet does not believe a credential of an issuer it does not trust [eudi]', async () => {
    const { link } = await lanyard.offer()
    const other = { caFile: lanyard.caFile, trustAnchorFile: lanyard.caFile }
    await assert.rejects(newJvmWallet('eudi').accept(link, other), /not trusted/)
  })

  test('their wallet collects a credential that our issuer put off [eudi]', async () => {
    const { id, link } = await lanyard.offer({ deferral: 'until_decided' })
    const taking = newJvmWallet('eudi').accept(link, { ...lanyard, flags: ['--wait', '5'] })
    await lanyard.release(id)
    const { deferred, credentials } = await taking
    assert.equal(deferred, true)
    assert.equal(credentials[0].claims.given_name, 'Ada')
  })

  test('eudi-deferred-pending: the library cannot read a 202 that says `not yet` [eudi]', async () => {
    const { link } = await lanyard.offer({ deferral: 'until_decided' })
    await assert.rejects(newJvmWallet('eudi').accept(link, lanyard), /Credentials must be present/)
  })

  test('their wallet tells our issuer that it kept the credential [eudi]', async () => {
    const { link } = await lanyard.offer()
    assert.equal((await newJvmWallet('eudi').accept(link, lanyard)).notified, true)
  })

  test('eudi-response-encryption: the library asks for an encrypted response in a plain request [eudi]', async () => {
    const { link } = await lanyard.offer()
    const asLibrary = { ...lanyard, flags: ['--as-library', 'encryption'] }
    await assert.rejects(newJvmWallet('eudi').accept(link, asLibrary), /invalid_encryption_parameters/)
  })

  test('eudi-metadata-address: the library looks for the metadata behind the issuer’s path [eudi]', async () => {
    const { link } = await lanyard.offer()
    const asLibrary = { ...lanyard, flags: ['--as-library', 'metadata'] }
    await assert.rejects(newJvmWallet('eudi').accept(link, asLibrary), /UnableToFetchCredentialIssuerMetadata|metadata/i)
  })

  test('eudi-single-proof: for one key the library sends `proof`, which our issuer refuses [eudi]', async () => {
    const { link } = await lanyard.offer()
    const asLibrary = { ...lanyard, flags: ['--as-library', 'proof'] }
    await assert.rejects(newJvmWallet('eudi').accept(link, asLibrary), /invalid_credential_request|invalid proof/i)
  })
})

describe('the EU SD-JWT library, our verifier', { skip: SKIP }, () => {
  const wallet = newJvmWallet('eudi')
  let lanyard
  before(async () => {
    lanyard = await serveLanyard()
    const { link } = await lanyard.offer()
    await wallet.accept(link, lanyard)
  })
  after(() => lanyard?.stop())

  const paths = { names: [['given_name'], ['desk', 'floor']], 'array elements': [['sites', null]] }
  const shown = { names: { given_name: 'Ada', desk: { floor: '3' } }, 'array elements': { sites: ['Lyon', 'Cork'] } }
  for (const what of Object.keys(paths)) {
    test(`their library discloses ${what} and binds them to the holder’s key [eudi]`, async () => {
      const asked = query(credentialQuery('badge', VCT, paths[what]))
      const way = { prefix: 'x509_hash', method: 'get', responseMode: 'direct_post' }
      const { id, link } = await lanyard.request({ query: asked, ...way })
      await wallet.present(link, lanyard)
      const { state, reason, credentials } = await lanyard.verdict(id)
      assert.equal(state, 'verified', reason)
      const { given_name, family_name, desk, sites } = credentials.badge[0]
      assert.deepEqual(JSON.parse(JSON.stringify({ given_name, family_name, desk, sites })), shown[what])
    })
  }
})

describe('Multipaz, our verifier', { skip: SKIP }, () => {
  const taker = newJvmWallet('eudi')
  const wallet = newJvmWallet('multipaz', { home: taker.home })
  let lanyard
  before(async () => {
    lanyard = await serveLanyard({ types: ['badge', 'driving_licence'] })
    for (const configuration of ['badge', 'driving_licence']) {
      const { link } = await lanyard.offer({ configuration })
      await taker.accept(link, lanyard)
    }
  })
  after(() => lanyard?.stop())

  const encrypted = WAYS.filter(({ method, responseMode }) => method && responseMode === 'direct_post.jwt')
  const ways = [...encrypted, ...encrypted.map((way) => ({ ...way, prefix: 'x509_san_dns' }))]
  for (const way of ways) {
    test(`their wallet presents what the EU library took to our verifier: ${inWords(way)} [multipaz]`, async () => {
      const { id, link } = await lanyard.request({ query: NAME_AND_FLOOR, ...way })
      assert.deepEqual((await wallet.present(link, lanyard)).presented, ['badge'])
      const { state, reason, credentials } = await lanyard.verdict(id)
      assert.equal(state, 'verified', reason)
      const [claims] = credentials.badge
      assert.equal(claims.given_name, 'Ada')
      assert.deepEqual(claims.desk, { floor: '3' })
      assert.equal(claims.family_name, undefined)
    })
  }

  for (const way of ways) {
    test(`their wallet presents an mdoc that the EU library took to our verifier: ${inWords(way)} [multipaz]`, async () => {
      const claims = ['family_name', 'age_over_18'].map((name) => ({ path: [ELEMENTS, name] }))
      const asked = query({ id: 'licence', format: 'mso_mdoc', meta: { doctype_value: LICENCE }, claims })
      const { id, link } = await lanyard.request({ query: asked, ...way })
      await wallet.present(link, lanyard)
      const { state, reason, credentials } = await lanyard.verdict(id)
      assert.equal(state, 'verified', reason)
      assert.deepEqual(credentials.licence[0][ELEMENTS], { family_name: 'Moreau', age_over_18: true })
    })
  }

  test('their wallet says so when it holds nothing that was asked for [multipaz]', async () => {
    const asked = query(credentialQuery('badge', VCT, [['salary']]))
    const { link } = await lanyard.request({ query: asked, ...encrypted[0] })
    await assert.rejects(wallet.present(link, lanyard), /satisfy/)
  })

  test('their wallet does not answer a verifier it does not trust [multipaz]', async () => {
    const { link } = await lanyard.request({ query: NAME_AND_FLOOR, ...encrypted[0] })
    await assert.rejects(wallet.present(link, { ...lanyard, trustAnchorFile: lanyard.caFile }), /trust anchor/)
  })

  test('multipaz-direct-post: the wallet answers with an unsecured JWT, which our verifier refuses [multipaz]', async () => {
    const plain = { prefix: 'x509_hash', method: 'get', responseMode: 'direct_post' }
    const { id, link } = await lanyard.request({ query: NAME_AND_FLOOR, ...plain })
    await assert.rejects(wallet.present(link, lanyard), /Check failed/)
    assert.equal((await lanyard.session(id)).verdict, undefined)
  })
})
