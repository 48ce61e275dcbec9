// The named deviations of the peers (README.md): each test fails when the peer is mended, then drop the quirk.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'
import { digest } from '@sd-jwt/crypto-nodejs'
import { WalletFile } from '../peers/lib/cli.mjs'
import { IDENTITY } from '../peers/lib/credentials.mjs'
import { publicPart } from '../peers/lib/sd-jwt-vc.mjs'
import { CREDO, newWallet, OPENID4VC_TS, startIssuer, startVerifier } from './lib/counterparts.mjs'
import { newSigner, SD_JWT_LIBRARIES } from './lib/libraries.mjs'
import { credential, DIGITALBAZAAR, LANYARD as PROOFS, newKey, plainerCredential, SSI } from './lib/data-integrity-libraries.mjs'
import { AUTH0, DISCLOSED, ISOMDL, LANYARD, LICENCE, NAMESPACE, newExchange, OWF, PYMDOCCBOR } from './lib/mdoc-libraries.mjs'
import { newFolder, writeFile } from './lib/process.mjs'
import { credentialQuery, query } from './lib/queries.mjs'

const library = (wanted) => SD_JWT_LIBRARIES.find(({ name }) => name === wanted)
const NAME = query(credentialQuery('identity', IDENTITY.vct, [['given_name']]))

async function newCredential(maker, { claims = {}, header = {} } = {}) {
  const [issuer, holder] = [await newSigner('Issuer'), await newSigner('Holder')]
  const { credential } = await maker.issue({
    claims: { vct: IDENTITY.vct, ...IDENTITY.claims, ...claims },
    disclosure_frame: IDENTITY.disclosureFrame,
    issuer_private_jwk: issuer.privateJwk,
    holder_jwk: publicPart(holder.privateJwk),
    header: { typ: 'dc+sd-jwt', x5c: issuer.x5c, ...header },
  })
  return { credential, issuer, holder }
}

describe('wallets', () => {
  const wallets = new Map([CREDO, OPENID4VC_TS].map((counterpart) => [counterpart, newWallet(counterpart)]))
  let issuer
  let verifier
  before(async () => {
    issuer = await startIssuer(CREDO)
    for (const wallet of wallets.values()) {
      const { link } = await issuer.offer({ configuration: IDENTITY.configurationId })
      await wallet.accept(link, issuer)
    }
    verifier = await startVerifier(OPENID4VC_TS, [issuer.trustAnchorFile])
  })
  after(() => Promise.all([issuer?.stop(), verifier?.stop()]))

  const byPost = (dcqlQuery = NAME) =>
    verifier.request({
      dcql_query: dcqlQuery,
      client_id_prefix: 'x509_san_dns',
      request_uri_method: 'post',
      response_mode: 'direct_post',
    })

  test('openid4vc-ts-request-uri-post: the library POSTs without wallet_nonce [openid4vc-ts]', async () => {
    const { id, link } = await byPost()
    await wallets.get(OPENID4VC_TS).present(link, { ...verifier, flags: ['--library-post'] })
    assert.equal((await verifier.session(id)).fetched_by, 'post')
  })

  test('credo-request-by-post: the wallet POSTs without wallet_nonce [credo]', async () => {
    const { id, link } = await byPost()
    await wallets.get(CREDO).present(link, verifier)
    assert.equal((await verifier.session(id)).fetched_by, 'post')
  })

  test('credo-array-elements: the wallet sends an empty array, and dcql takes it for an answer [credo]', async () => {
    const { id, link } = await byPost(query(credentialQuery('identity', IDENTITY.vct, [['nationalities', null]])))
    await wallets.get(CREDO).present(link, verifier)
    const { state, presentations } = await verifier.verdict(id)
    assert.equal(state, 'verified')
    assert.deepEqual(presentations.identity[0].nationalities, [])
  })

  test('credo-kid-for-encryption: the wallet does not encrypt to a key without kid [credo]', async () => {
    const { privateJwk } = await newSigner('Recipient')
    const responseUri = `${verifier.ready}/responses/nowhere`
    const link = new URL('openid4vp://')
    link.search = new URLSearchParams({
      response_type: 'vp_token',
      client_id: `redirect_uri:${responseUri}`,
      response_uri: responseUri,
      response_mode: 'direct_post.jwt',
      nonce: 'uUlOY5Q2rnEj8vYrbN1kMg',
      dcql_query: JSON.stringify(NAME),
      client_metadata: JSON.stringify({
        jwks: { keys: [{ ...publicPart(privateJwk), use: 'enc', alg: 'ECDH-ES' }] },
        vp_formats_supported: { 'dc+sd-jwt': {} },
      }),
    })
    await assert.rejects(wallets.get(CREDO).present(link.href), /kid/)
  })

  test('credo-offers-by-reference: an offer by value cannot be had [credo]', async () => {
    const { link } = await issuer.offer({ configuration: IDENTITY.configurationId, by_reference: false })
    assert.ok(new URL(link).searchParams.has('credential_offer_uri'))
  })
})

describe('verifiers', () => {
  test('credo-no-request-by-post: the verifier answers a POST with 404 [credo]', async () => {
    const verifier = await startVerifier(CREDO, [])
    const request = { dcql_query: NAME, client_id_prefix: 'x509_hash', response_mode: 'direct_post' }
    const { link } = await verifier.request(request)
    const body = new URLSearchParams({ wallet_nonce: 'uUlOY5Q2rnEj8vYrbN1kMg' })
    const reply = await fetch(new URL(link).searchParams.get('request_uri'), { method: 'POST', body })
    await verifier.stop()
    assert.equal(reply.status, 404)
  })

  test('credo-iss-in-certificate: an iss that the leaf does not name is refused [credo]', async () => {
    const maker = library('sd-jwt-js')
    const { credential, issuer, holder } = await newCredential(maker, { claims: { iss: 'https://elsewhere.example' } })
    const verifier = await startVerifier(CREDO, [writeFile(newFolder('anchor'), 'ca.pem', issuer.trustAnchorPem)])
    const wallet = newWallet(OPENID4VC_TS)
    new WalletFile(wallet.home).add(credential, holder.privateJwk)
    const request = { dcql_query: NAME, client_id_prefix: 'redirect_uri', response_mode: 'direct_post' }
    const { id, link } = await verifier.request(request)
    await assert.rejects(wallet.present(link), /40\d/)
    const { state, error } = await verifier.verdict(id)
    await verifier.stop()
    assert.equal(state, 'refused')
    assert.match(error, /SAN/)
  })
})

describe('libraries', () => {
  test('sd-jwt-js-checks: the library verifies another typ and another aud [sd-jwt-js]', async () => {
    const { credential, holder } = await newCredential(library('sd-jwt-python'), { header: { typ: 'JWT' } })
    const { presentation } = await library('sd-jwt-js').present({
      credential,
      paths: [['given_name']],
      nonce: 'a nonce',
      audience: 'somebody else',
      holder_private_jwk: holder.privateJwk,
    })
    const instance = new SDJwtVcInstance({ hasher: digest, hashAlg: 'sha-256', verifier: () => true, kbVerifier: () => true })
    const { header, kb } = await instance.verify(presentation, { keyBindingNonce: 'a nonce' })
    assert.equal(header.typ, 'JWT')
    assert.equal(kb.payload.aud, 'somebody else')
  })

  test('sd-jwt-python-checks: the library verifies what expired, and a disclosure nobody refers to [sd-jwt-python]', async () => {
    const maker = library('sd-jwt-js')
    const { credential, issuer } = await newCredential(maker, { claims: { exp: 1 } })
    const stray = Buffer.from(JSON.stringify(['c2FsdA', 'role', 'admin'])).toString('base64url')
    const request = { presentation: `${credential}${stray}~`, issuer_jwk: publicPart(issuer.privateJwk) }
    const { claims } = await library('sd-jwt-python').verify(request)
    assert.equal(claims.exp, 1)
    await assert.rejects(maker.verify(request), /exp/)
  })
})

test('auth0-mdl-kid: a signature carries a kid without a value, which only some can read [auth0-mdl]', async () => {
  const exchange = await newExchange()
  const presented = await exchange.present(AUTH0, await exchange.issue(AUTH0))
  await assert.rejects(exchange.verify(PYMDOCCBOR, presented), /KID/)
  await assert.rejects(exchange.verify(ISOMDL, presented), /got nul, expected bstr/)
})

test('owf-mdoc-digest-ids: digestIDs are at or above 2^31, which isomdl cannot read [owf-mdoc]', async () => {
  const exchange = await newExchange()
  // Of five at random, each below 2^31 half the time: more elements leave no doubt.
  const many = Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`element_${index}`, index]))
  const issued = await exchange.issue(OWF, { namespaces: { [NAMESPACE]: { ...many, ...LICENCE } } })
  const presented = await exchange.present(OWF, issued)
  await assert.rejects(exchange.verify(ISOMDL, presented), /expected i32/)
  assert.deepEqual((await exchange.verify(LANYARD, presented)).namespaces, { [NAMESPACE]: DISCLOSED })
})

describe('isomdl', () => {
  let exchange
  before(async () => (exchange = await newExchange()))

  /** Every occurrence of a text in CBOR, replaced by one of the same length. */
  const replaced = (encoded, from, to) => {
    const bytes = Buffer.from(encoded, 'base64url').toString('latin1').replaceAll(from, to)
    return Buffer.from(bytes, 'latin1').toString('base64url')
  }

  test('isomdl-digests: it takes an element whose digest is another one [isomdl]', async () => {
    const { device_response } = await exchange.present(ISOMDL, await exchange.issue(ISOMDL))
    const changed = { device_response: replaced(device_response, 'Lovelace', 'Hopper  ') }
    const { namespaces } = await exchange.verify(ISOMDL, changed)
    assert.equal(namespaces['org.iso.18013.5.1'].family_name, 'Hopper  ')
    await assert.rejects(exchange.verify(LANYARD, changed), /digest/)
  })

  test('isomdl-validity: it takes an mdoc that has ended [isomdl]', async () => {
    const ended = await exchange.issue(ISOMDL, { ago: 7200, lifetime: 3600 })
    const presented = await exchange.present(ISOMDL, ended)
    await exchange.verify(ISOMDL, presented)
    await assert.rejects(exchange.verify(LANYARD, presented), /expired/)
  })
})

describe('the cryptosuites over canonical JSON', () => {
  test('digitalbazaar-jcs-inline-context: a context that is an object never equals itself [digitalbazaar]', async () => {
    const { did, private_jwk } = await newKey('Ed25519')
    const cryptosuite = 'eddsa-jcs-2022'
    const document = await PROOFS.issue({ document: credential(did), cryptosuite, private_jwk })
    assert.deepEqual(await PROOFS.verify({ document }), { controller: did })
    await assert.rejects(DIGITALBAZAAR.verify({ document, cryptosuite }), /does not start with/)
  })
})

describe('JSON-LD by ssi', () => {
  const quads = async (library, change) => {
    const document = plainerCredential('did:example:issuer')
    change(document)
    return (await library.nQuads(document)).split('\n')
  }
  /** What each library makes of a changed credential where ours and another's agree, and ssi's does not. */
  const apart = async (change) => {
    const [ours, theirs, ssi] = await Promise.all([PROOFS, DIGITALBAZAAR, SSI].map((one) => quads(one, change)))
    assert.deepEqual(ours, theirs)
    return { ours: ours.filter((quad) => !ssi.includes(quad)), ssi: ssi.filter((quad) => !ours.includes(quad)) }
  }

  test('ssi reads as the same quads what none of its quirks concerns [ssi]', async () => {
    assert.deepEqual(await apart(() => {}), { ours: [], ssi: [] })
  })

  test('ssi-tab: a tab stays a tab in canonical N-Quads [ssi]', async () => {
    const { ours, ssi } = await apart((it) => (it.credentialSubject.givenName = 'a\tb'))
    assert.match(ours.join(), /"a\\tb"/)
    assert.match(ssi.join(), /"a\tb"/)
  })

  test('ssi-language-case: a language keeps its capitals [ssi]', async () => {
    const { ours, ssi } = await apart((it) => (it.issuer.name['@language'] = 'EN-gb'))
    assert.match(ours.join(), /@en-gb/)
    assert.match(ssi.join(), /@EN-gb/)
  })

  test('ssi-p384-labels: unnamed nodes are named by SHA-256 also where P-384 wants SHA-384 [ssi]', async () => {
    const { did, private_jwk } = await newKey('P-384')
    const cryptosuite = 'ecdsa-rdfc-2019'
    const document = await PROOFS.issue({ document: plainerCredential(did), cryptosuite, private_jwk })
    assert.deepEqual(await DIGITALBAZAAR.verify({ document, cryptosuite }), { controller: did })
    await assert.rejects(SSI.verify({ document }), /signature/)
  })

  test('ssi-direction: the direction of a text is not signed [ssi]', async () => {
    const { ours, ssi } = await apart((it) => (it.name[1]['@direction'] = 'rtl'))
    assert.match(ours.join(), /i18n#ar_rtl/)
    assert.match(ssi.join(), /"دبلوم"@ar/)
  })
})
