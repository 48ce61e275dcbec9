// The counterparts among themselves. When these pass and a Lanyard scenario fails, the fault is Lanyard's.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { COUNTERPARTS, newWallet, startIssuer, startVerifier } from './lib/counterparts.mjs'
import { credentialQuery, inWords, mdocQuery, query, w3cQuery, WAYS } from './lib/queries.mjs'
import { newFolder, writeFile } from './lib/process.mjs'
import { BADGE, COURSE, IDENTITY, LICENCE, MEMBERSHIP } from '../peers/lib/credentials.mjs'
import { NAMESPACE } from '../peers/lib/mdoc-wallet.mjs'
import { newSigner } from '../peers/lib/x509.mjs'

const IDENTITY_QUERY = query(
  credentialQuery('identity', IDENTITY.vct, [['given_name'], ['address', 'locality'], ['age_over_18']]),
)

async function strangersAnchor() {
  const { trustAnchorPem } = await newSigner({ name: 'Stranger' })
  return writeFile(newFolder('stranger'), 'ca.pem', trustAnchorPem)
}

for (const theirIssuer of COUNTERPARTS) {
  describe(`the issuer of ${theirIssuer.name}`, () => {
    let issuer
    before(async () => (issuer = await startIssuer(theirIssuer)))
    after(() => issuer?.stop())

    for (const theirWallet of COUNTERPARTS) {
      const pair = `[${theirIssuer.name} × ${theirWallet.name}]`
      test(`a peer's wallet takes a credential from a peer's issuer ${pair}`, async () => {
        const { id, link } = await issuer.offer({ configuration: BADGE.configurationId })
        const { credentials } = await newWallet(theirWallet).accept(link, issuer)
        assert.equal(credentials[0].claims.department, BADGE.claims.department)
        assert.equal(credentials[0].claims.vct, BADGE.vct)
        await issuer.issued(id)
      })

      test(`a peer's wallet takes two copies with a tx_code, each with its own key ${pair}`, async () => {
        const offer = await issuer.offer({ configuration: IDENTITY.configurationId, tx_code: true, by_reference: true })
        const options = { ...issuer, txCode: offer.tx_code, copies: 2 }
        const { credentials } = await newWallet(theirWallet).accept(offer.link, options)
        const keys = new Set(credentials.map(({ claims }) => claims.cnf.jwk.x))
        assert.equal(keys.size, 2)
        assert.deepEqual(credentials[0].claims.address, IDENTITY.claims.address)
      })

      test(`a peer's issuer refuses a wrong tx_code with invalid_grant ${pair}`, async () => {
        const offer = await issuer.offer({ configuration: BADGE.configurationId, tx_code: true })
        const wrong = offer.tx_code === '0000' ? '0001' : '0000'
        const accepting = newWallet(theirWallet).accept(offer.link, { ...issuer, txCode: wrong })
        await assert.rejects(accepting, /invalid_grant/)
      })
    }
  })
}

for (const theirVerifier of COUNTERPARTS) {
  describe(`the verifier of ${theirVerifier.name}`, () => {
    const [issuerOf] = COUNTERPARTS
    const wallets = new Map()
    let verifier
    before(async () => {
      const issuer = await startIssuer(issuerOf)
      for (const theirWallet of COUNTERPARTS) {
        const { link } = await issuer.offer({ configuration: IDENTITY.configurationId })
        const wallet = newWallet(theirWallet)
        await wallet.accept(link, issuer)
        wallets.set(theirWallet, wallet)
      }
      await issuer.stop()
      verifier = await startVerifier(theirVerifier, [issuer.trustAnchorFile])
    })
    after(() => verifier?.stop())

    for (const theirWallet of COUNTERPARTS) {
      const pair = `[${theirVerifier.name} × ${theirWallet.name}]`
      const ways = WAYS.filter(({ method }) => method !== 'post' || theirVerifier.servesRequestsByPost)
      for (const way of ways) {
        test(`a peer's wallet presents to a peer's verifier: ${inWords(way)} ${pair}`, async () => {
          const { id, link } = await verifier.request({
            dcql_query: IDENTITY_QUERY,
            client_id_prefix: way.prefix,
            request_uri_method: way.method,
            response_mode: way.responseMode,
          })
          await wallets.get(theirWallet).present(link, verifier)
          const { state, error, presentations } = await verifier.verdict(id)
          assert.equal(state, 'verified', error)
          const [claims] = presentations.identity
          assert.equal(claims.given_name, IDENTITY.claims.given_name)
          assert.deepEqual(claims.address, { locality: IDENTITY.claims.address.locality })
          assert.equal(claims.birthdate, undefined)
        })
      }

      test(`a peer's wallet refuses a request whose signer it does not trust ${pair}`, async () => {
        const { link } = await verifier.request({
          dcql_query: IDENTITY_QUERY,
          client_id_prefix: 'x509_hash',
          response_mode: 'direct_post',
        })
        const trusting = { trustAnchorFile: await strangersAnchor() }
        await assert.rejects(wallets.get(theirWallet).present(link, trusting), /trust/)
      })
    }
  })
}

const SUBJECT = ['credentialSubject', 'given_name']
const SOCIETY = 'https://www.w3.org/ns/credentials/examples#SocietyMembership'
const OTHER_FORMATS = [
  [LICENCE, mdocQuery('credential', LICENCE.doctype, [[NAMESPACE, 'given_name']])],
  [COURSE, w3cQuery('credential', COURSE.format, 'SafetyCourse', [SUBJECT])],
  [MEMBERSHIP, w3cQuery('credential', MEMBERSHIP.format, SOCIETY, [SUBJECT])],
]

for (const [type, asked] of OTHER_FORMATS) {
  const isRead = ({ w3cFormats }) => type === LICENCE || w3cFormats.includes(type.format)
  for (const counterpart of COUNTERPARTS.filter(isRead)) {
    const pair = `[${counterpart.name} × ${counterpart.name}]`
    test(`a peer's wallet takes a ${type.format} of a peer, and presents it to a peer ${pair}`, async () => {
      const issuer = await startIssuer(counterpart)
      const verifier = await startVerifier(counterpart, [issuer.trustAnchorFile])
      try {
        const wallet = newWallet(counterpart)
        await wallet.accept((await issuer.offer({ configuration: type.configurationId })).link, issuer)
        const { id, link } = await verifier.request({
          dcql_query: query(asked),
          client_id_prefix: 'x509_hash',
          response_mode: 'direct_post.jwt',
        })
        await wallet.present(link, verifier)
        const { state, error, presentations } = await verifier.verdict(id)
        assert.equal(state, 'verified', error)
        const [said] = presentations.credential
        assert.equal((said[NAMESPACE] ?? said.credentialSubject).given_name, 'Ada')
      } finally {
        await Promise.all([issuer.stop(), verifier.stop()])
      }
    })
  }
}
