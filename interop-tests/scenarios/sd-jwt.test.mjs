// (e) Each verifies the other's SD-JWT VC and KB-JWT, library by library.
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { OPENID4VC_TS, startVerifier } from './lib/counterparts.mjs'
import { newLanyardWallet, startLanyard, TYPES } from './lib/lanyard.mjs'
import { issuerJwkOf, newSigner, oracle, SD_JWT_LIBRARIES } from './lib/libraries.mjs'
import { newFolder, writeFile } from './lib/process.mjs'
import { credentialQuery, query } from './lib/queries.mjs'
import { publicPart } from '../peers/lib/sd-jwt-vc.mjs'
import { IDENTITY } from '../peers/lib/credentials.mjs'

let lanyard
before(async () => (lanyard = await startLanyard()))
after(() => lanyard?.stop())

describe('a presentation of our wallet', () => {
  let presentation
  let sent
  let verifier
  before(async () => {
    const wallet = newLanyardWallet()
    const { link } = await lanyard.offer({ type: 'verified_identity' })
    await wallet.accept(link, { trustAnchorFiles: [lanyard.trustAnchorFile] })
    verifier = await startVerifier(OPENID4VC_TS, [lanyard.trustAnchorFile])
    const paths = [['given_name'], ['address', 'locality'], ['nationalities', null]]
    const request = await verifier.request({
      dcql_query: query(credentialQuery('identity', TYPES.verified_identity.vct, paths)),
      client_id_prefix: 'redirect_uri',
      response_mode: 'direct_post',
    })
    await wallet.present(request.link)
    sent = (await verifier.session(request.id)).sent
    presentation = sent.vp_token.identity[0]
  })
  after(() => verifier?.stop())

  for (const library of SD_JWT_LIBRARIES) {
    test(`they verify the SD-JWT VC of our issuer and the KB-JWT of our wallet [${library.name}]`, async () => {
      const { claims } = await library.verify({
        presentation,
        issuer_jwk: issuerJwkOf(presentation, { X509Certificate }),
        nonce: sent.nonce,
        audience: sent.audience,
      })
      assert.equal(claims.given_name, 'Ada')
      assert.deepEqual(Object.keys(claims.address), ['locality'])
      assert.ok(claims.nationalities.length > 0)
    })
  }

  for (const peer of ['ssi', 'josekit']) {
    test(`they verify the JWS of our issuer [${peer}]`, async () => {
      const [jws] = presentation.split('~')
      const { payload } = await oracle(peer, 'jws-verify', { jws, jwk: issuerJwkOf(presentation, { X509Certificate }) })
      assert.equal(JSON.parse(payload).vct, TYPES.verified_identity.vct)
    })
  }
})

describe('a presentation that a library made', () => {
  for (const library of SD_JWT_LIBRARIES) {
    test(`we verify the SD-JWT VC that they issued and the KB-JWT that they made [${library.name}]`, async () => {
      const issuer = await newSigner('Interop issuer')
      const verdict = await presentTo(lanyard, library, issuer, await newSigner('Holder'))
      assert.equal(verdict.state, 'verified', verdict.reason)
      const [claims] = verdict.credentials.identity
      assert.equal(claims.given_name, IDENTITY.claims.given_name)
      assert.deepEqual(claims.nationalities, ['GB'])
    })

    test(`we refuse their KB-JWT made for another nonce [${library.name}]`, async () => {
      const issuer = await newSigner('Interop issuer')
      const verdict = await presentTo(lanyard, library, issuer, await newSigner('Holder'), { nonce: 'another' })
      assert.equal(verdict.state, 'refused')
    })
  }
})

/** Answers a request by hand: the library makes credential and presentation, the form is posted as it is. */
async function presentTo(verifier, library, issuer, holder, changed = {}) {
  const paths = [['given_name'], ['nationalities', 0]]
  const { id, link } = await verifier.request({
    query: query(credentialQuery('identity', IDENTITY.vct, paths)),
    prefix: 'redirect_uri',
    responseMode: 'direct_post',
    trustAnchorFiles: [writeFile(newFolder('anchor'), 'ca.pem', issuer.trustAnchorPem)],
  })
  const request = Object.fromEntries(new URL(link).searchParams)
  const { credential } = await library.issue({
    claims: { vct: IDENTITY.vct, ...IDENTITY.claims },
    disclosure_frame: IDENTITY.disclosureFrame,
    issuer_private_jwk: issuer.privateJwk,
    holder_jwk: publicPart(holder.privateJwk),
    header: { typ: 'dc+sd-jwt', x5c: issuer.x5c },
  })
  const { presentation } = await library.present({
    credential,
    paths,
    nonce: changed.nonce ?? request.nonce,
    audience: request.client_id,
    holder_private_jwk: holder.privateJwk,
  })
  const form = { vp_token: JSON.stringify({ identity: [presentation] }) }
  if (request.state) form.state = request.state
  const reply = await fetch(request.response_uri, { method: 'POST', body: new URLSearchParams(form), redirect: 'error' })
  assert.equal(reply.status, changed.nonce ? 400 : 200)
  return verifier.verdict(id)
}
