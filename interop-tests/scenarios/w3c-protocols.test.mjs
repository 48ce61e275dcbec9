// W3C credentials over the protocols: their wallet at our issuer and our verifier, our wallet at theirs.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { COUNTERPARTS, CREDO, newWallet, OPENID4VC_TS, startIssuer, startVerifier } from './lib/counterparts.mjs'
import { newLanyardWallet, samplesOf, startLanyard, startServing, TYPES, W3C_TYPES } from './lib/lanyard.mjs'
import { credentialQuery, inWords, query, w3cQuery, WAYS } from './lib/queries.mjs'
import { TYPES as THEIR_TYPES } from '../peers/lib/credentials.mjs'

// OpenID4VP 1.0 App. B.1.1: a type as it reads once the context of the credential was applied
const EXAMPLES = 'https://www.w3.org/ns/credentials/examples#'
const credential = (id, format, [, type], ...paths) =>
  w3cQuery(id, format, format === 'ldp_vc' ? `${EXAMPLES}${type}` : type, paths)
const asked = (...what) => query(credential('credential', ...what))

const NAME = ['credentialSubject', 'given_name']
const ENCRYPTED = { prefix: 'x509_hash', method: 'get', responseMode: 'direct_post.jwt' }
const PLAIN = { prefix: 'x509_hash', method: 'get', responseMode: 'direct_post' }

/** The demo's types at a server that keeps no status of them. */
const startWithoutStatus = () =>
  startServing({ types: Object.values(W3C_TYPES).map((type) => ({ ...type, status: false })) })

for (const counterpart of COUNTERPARTS) {
  let lanyard
  /** The DID that our issuer signs W3C credentials with, as one of them says. */
  let issuerDid
  before(async () => {
    lanyard = await (counterpart.readsOneStatusAlone ? startWithoutStatus() : startLanyard())
    const [{ claims }] = await taken(newWallet(OPENID4VC_TS), 'ldp_vc')
    issuerDid = claims.issuer
  })
  after(() => lanyard?.stop())

  /** What a foreign wallet takes of our type of this format. */
  async function taken(wallet, format, { txCode = false, copies } = {}) {
    const type = W3C_TYPES[format]
    const { link, tx_code } = await lanyard.offer({ type: type.id, claims: samplesOf(type), txCode })
    const { credentials } = await wallet.accept(link, { ...lanyard, txCode: tx_code, copies })
    return credentials
  }

  for (const format of counterpart.w3cFormats) {
    const who = `[${counterpart.name}]`
    const ours = W3C_TYPES[format]
    const theirs = THEIR_TYPES.find((type) => type.format === format)
    const types = ours.credential_definition.type

    describe(`the wallet of ${counterpart.name}, with ${format}`, () => {
      const wallet = newWallet(counterpart)
      before(() => taken(wallet, format))

      test(`their wallet takes a ${format} from our issuer ${who}`, async () => {
        const [{ claims }, ...others] = await taken(newWallet(counterpart), format)
        assert.deepEqual(others, [])
        assert.deepEqual(claims.type, types)
        for (const { path, sample } of ours.claims.filter(({ mandatory }) => mandatory)) {
          assert.deepEqual(path.reduce((at, name) => at[name], claims), sample)
        }
      })

      test(`their wallet takes a ${format} from our issuer with a tx_code ${who}`, async () => {
        const [{ claims }] = await taken(newWallet(counterpart), format, { txCode: true })
        assert.deepEqual(claims.type, types)
      })

      test(`their wallet takes two copies of a ${format} from our issuer, each with its own DID ${who}`, async () => {
        const copies = await taken(newWallet(counterpart), format, { copies: 2 })
        assert.equal(new Set(copies.map(({ claims }) => claims.credentialSubject.id)).size, 2)
      })

      for (const way of WAYS) {
        test(`their wallet presents a ${format} to our verifier: ${inWords(way)} ${who}`, async () => {
          const { id, link } = await lanyard.request({ query: asked(format, types, NAME), ...way })
          await wallet.present(link, lanyard)
          const { state, reason, credentials } = await lanyard.verdict(id)
          assert.equal(state, 'verified', reason)
          assert.equal(credentials.credential.length, 1)
          assert.equal(credentials.credential[0].credentialSubject.given_name, 'Ada')
        })
      }

      for (const protocol of ['openid4vp-v1-unsigned', 'openid4vp-v1-signed']) {
        test(`their wallet presents a ${format} to our verifier through the platform: ${protocol} ${who}`, async () => {
          const origins = [lanyard.base]
          const question = { query: asked(format, types, NAME), protocols: [protocol], origins }
          const { id, dc_api } = await lanyard.platformRequest(question)
          const answer = await wallet.platform({ ...dc_api.requests[0], origin: lanyard.base }, lanyard)
          await lanyard.platformAnswer(id, answer, lanyard.base)
          const { state, reason, credentials } = await lanyard.verdict(id)
          assert.equal(state, 'verified', reason)
          assert.equal(credentials.credential[0].credentialSubject.given_name, 'Ada')
        })
      }

      test(`our verifier believes a ${format} of their issuer only when it is told their DID ${who}`, async () => {
        const issuer = await startIssuer(counterpart)
        const holder = newWallet(counterpart)
        const { link: offer } = await issuer.offer({ configuration: theirs.configurationId })
        await holder.accept(offer, issuer)
        await issuer.stop()
        const question = { query: asked(format, theirs.credentialDefinition.type, NAME), ...PLAIN }
        const { id: untold, link: distrusting } = await lanyard.request(question)
        await assert.rejects(holder.present(distrusting, lanyard), /400/)
        const refused = await lanyard.verdict(untold)
        assert.equal(refused.state, 'refused')
        assert.match(refused.reason, /trust/)

        const issuers = issuer.dids.map((did) => ({ did }))
        const { id, link } = await lanyard.requestOf({
          dcql_query: question.query,
          client_id_prefix: PLAIN.prefix,
          response_mode: PLAIN.responseMode,
          policy: { trust_list: { version: 1, issuers } },
        })
        await holder.present(link, lanyard)
        const { state, reason } = await lanyard.verdict(id)
        assert.equal(state, 'verified', reason)
      })

      if (counterpart.name !== 'openid4vc-ts') return
      for (const [what, flags, reason] of [
        ['another nonce', ['--nonce', 'another'], /nonce|challenge/],
        ['another verifier', ['--audience', 'x509_san_dns:another.example'], /audience|domain/],
      ]) {
        test(`our verifier answers 400 to a ${format} that was presented for ${what} ${who}`, async () => {
          const { id, link } = await lanyard.request({ query: asked(format, types, NAME), ...ENCRYPTED })
          await assert.rejects(wallet.present(link, { ...lanyard, flags }), /400/)
          const refused = await lanyard.verdict(id)
          assert.equal(refused.state, 'refused')
          assert.match(refused.reason, reason)
        })
      }
    })

    describe(`the issuer of ${counterpart.name}, with ${format}`, () => {
      let issuer
      before(async () => (issuer = await startIssuer(counterpart)))
      after(() => issuer?.stop())

      for (const withTxCode of [false, true]) {
        test(`our wallet takes a ${format} from their issuer${withTxCode ? ' with a tx_code' : ''} ${who}`, async () => {
          const offer = await issuer.offer({ configuration: theirs.configurationId, tx_code: withTxCode })
          const wallet = newLanyardWallet()
          const { credentials } = await wallet.accept(offer.link, { trustDids: issuer.dids, txCode: offer.tx_code })
          assert.equal(credentials.length, 1)
          const { id: _, ...subject } = credentials[0].claims.credentialSubject
          assert.deepEqual(subject, theirs.claims)
          await issuer.issued(offer.id)
        })
      }

      test(`our wallet refuses a ${format} of an issuer whose DID it does not trust ${who}`, async () => {
        const { link } = await issuer.offer({ configuration: theirs.configurationId })
        await assert.rejects(newLanyardWallet().accept(link, { trustDids: [issuerDid] }), /trust/)
      })
    })

    describe(`the verifier of ${counterpart.name}, with ${format}`, () => {
      const wallet = newLanyardWallet()
      let verifier
      before(async () => {
        const { link } = await lanyard.offer({ type: ours.id, claims: samplesOf(ours) })
        await wallet.accept(link, { trustDids: [issuerDid] })
        verifier = await startVerifier(counterpart, [lanyard.trustAnchorFile])
      })
      after(() => verifier?.stop())

      for (const way of WAYS.filter(({ method }) => method !== 'post' || counterpart.servesRequestsByPost)) {
        test(`our wallet presents a ${format} to their verifier: ${inWords(way)} ${who}`, async () => {
          const { id, link } = await verifier.request({
            dcql_query: asked(format, types, NAME),
            client_id_prefix: way.prefix,
            request_uri_method: way.method,
            response_mode: way.responseMode,
          })
          await wallet.present(link, { trustAnchorFiles: [verifier.trustAnchorFile], trustDids: [issuerDid] })
          const { state, error, presentations } = await verifier.verdict(id)
          assert.equal(state, 'verified', error)
          assert.deepEqual(presentations.credential[0].type, types)
          assert.equal(presentations.credential[0].credentialSubject.given_name, 'Ada')
        })
      }
    })
  }
}

describe('several formats at once', () => {
  const who = `[${OPENID4VC_TS.name}]`
  const offered = ['employee_badge', ...Object.values(W3C_TYPES).map(({ id }) => id)]
  const all = query(
    credentialQuery('badge', TYPES.employee_badge.vct, [['given_name']]),
    ...Object.entries(W3C_TYPES).map(([format, { credential_definition: { type } }]) =>
      credential(format, format, type, NAME),
    ),
  )
  const ids = ['badge', 'jwt_vc_json', 'ldp_vc']
  let lanyard
  before(async () => (lanyard = await startLanyard()))
  after(() => lanyard?.stop())

  test(`their wallet presents an SD-JWT VC, a jwt_vc_json and an ldp_vc at once to our verifier ${who}`, async () => {
    const wallet = newWallet(OPENID4VC_TS)
    for (const type of offered) await wallet.accept((await lanyard.offer({ type })).link, lanyard)
    const { id, link } = await lanyard.request({ query: all, ...ENCRYPTED })
    await wallet.present(link, lanyard)
    const { state, reason, credentials } = await lanyard.verdict(id)
    assert.equal(state, 'verified', reason)
    assert.deepEqual(Object.keys(credentials).sort(), ids)
  })

  describe('at their verifier', () => {
    const wallet = newLanyardWallet()
    let believing
    let verifier
    before(async () => {
      const { link } = await lanyard.offer({ type: W3C_TYPES.ldp_vc.id })
      const { credentials } = await newWallet(OPENID4VC_TS).accept(link, lanyard)
      verifier = await startVerifier(OPENID4VC_TS, [lanyard.trustAnchorFile])
      const trustAnchorFiles = [lanyard.trustAnchorFile, verifier.trustAnchorFile]
      believing = { trustDids: [credentials[0].claims.issuer], trustAnchorFiles }
      for (const type of offered) await wallet.accept((await lanyard.offer({ type })).link, believing)
    })
    after(() => verifier?.stop())

    const ask = (dcql_query) =>
      verifier.request({ dcql_query, client_id_prefix: 'x509_hash', response_mode: 'direct_post' })

    test(`our wallet presents an SD-JWT VC, a jwt_vc_json and an ldp_vc at once to their verifier ${who}`, async () => {
      const { id, link } = await ask(all)
      await wallet.present(link, believing)
      const { state, error, presentations } = await verifier.verdict(id)
      assert.equal(state, 'verified', error)
      assert.deepEqual(Object.keys(presentations).sort(), ids)
    })

    for (const [format, type] of Object.entries(W3C_TYPES)) {
      test(`their verifier answers 400 to a ${format} of our wallet that answered another request ${who}`, async () => {
        const question = asked(format, type.credential_definition.type, NAME)
        const [first, second] = [await ask(question), await ask(question)]
        await wallet.present(first.link, believing)
        const { sent } = await verifier.session(first.id)
        const { state } = (await verifier.session(second.id)).sent
        const body = new URLSearchParams({ vp_token: JSON.stringify(sent.vp_token), state })
        const reply = await fetch(`${verifier.ready}/responses/${second.id}`, { method: 'POST', body })
        assert.equal(reply.status, 400)
        assert.match((await verifier.session(second.id)).error, /nonce|challenge/)
      })
    }
  })
})

describe('what Credo does not read', () => {
  let lanyard
  before(async () => (lanyard = await startLanyard()))
  after(() => lanyard?.stop())

  const take = async (type) => newWallet(CREDO).accept((await lanyard.offer({ type })).link, lanyard)

  test('credo-one-status: the wallet refuses a credential with two entries of status [credo]', async () => {
    await assert.rejects(take('safety_training'), /credentialStatus must be an instance of W3cCredentialStatus/)
  })

  test('credo-ldp-suites: the wallet finds no algorithm to ask for an ldp_vc with [credo]', async () => {
    await assert.rejects(take('alumni_membership'), /but one of '' was expected/)
  })

  test('credo-ldp-suites: the verifier refuses a Data Integrity proof [credo]', async () => {
    const [{ credential_definition: { type: types } }, wallet] = [W3C_TYPES.ldp_vc, newWallet(OPENID4VC_TS)]
    const { link: offer } = await lanyard.offer({ type: 'alumni_membership' })
    await wallet.accept(offer, lanyard)
    const verifier = await startVerifier(CREDO, [lanyard.trustAnchorFile])
    const { id, link } = await verifier.request({
      dcql_query: asked('ldp_vc', types, NAME),
      client_id_prefix: 'x509_hash',
      response_mode: 'direct_post',
    })
    await assert.rejects(wallet.present(link, verifier), /400/)
    const { state } = await verifier.verdict(id)
    await verifier.stop()
    assert.equal(state, 'refused')
  })
})
