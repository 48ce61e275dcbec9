// (a) Their wallet takes a credential from our issuer. (c) Our wallet takes one from theirs.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { COUNTERPARTS, newWallet, startIssuer } from './lib/counterparts.mjs'
import { newLanyardWallet, startLanyard, TYPES } from './lib/lanyard.mjs'
import { BADGE, IDENTITY, LICENCE } from '../peers/lib/credentials.mjs'
import { DOCTYPE, NAMESPACE } from '../peers/lib/mdoc-wallet.mjs'
import { mdocQuery, query } from './lib/queries.mjs'

describe('our issuer', () => {
  let lanyard
  before(async () => (lanyard = await startLanyard()))
  after(() => lanyard?.stop())

  for (const counterpart of COUNTERPARTS) {
    const who = `[${counterpart.name}]`
    for (const type of Object.keys(TYPES)) {
      test(`their wallet takes a credential from our issuer: ${type} ${who}`, async () => {
        const { link } = await lanyard.offer({ type })
        const { issuer, configuration, credentials } = await newWallet(counterpart).accept(link, lanyard)
        assert.equal(issuer, lanyard.issuer)
        assert.equal(configuration, type)
        assert.equal(credentials.length, 1)
        const [{ claims }] = credentials
        assert.equal(claims.vct, TYPES[type].vct)
        for (const { path, kind, sample } of TYPES[type].claims.filter(({ mandatory }) => mandatory)) {
          const value = path.reduce((at, name) => at[name], claims)
          assert.notEqual(value, undefined, `${path} is missing`)
          if (kind === 'text') assert.equal(value, sample)
        }
      })
    }

    test(`their wallet takes an mdoc from our issuer, and presents it to our verifier ${who}`, async () => {
      const { link: offer } = await lanyard.offer({ type: 'driving_licence' })
      const wallet = newWallet(counterpart)
      const [{ claims }] = (await wallet.accept(offer, lanyard)).credentials
      assert.equal(claims[NAMESPACE].family_name, 'Moreau')
      const asked = query(mdocQuery('licence', DOCTYPE, [[NAMESPACE, 'given_name']]))
      const way = { prefix: 'x509_hash', method: 'get', responseMode: 'direct_post.jwt' }
      const { id, link } = await lanyard.request({ query: asked, ...way })
      await wallet.present(link, lanyard)
      const { state, reason, credentials } = await lanyard.verdict(id)
      assert.equal(state, 'verified', reason)
      assert.deepEqual(credentials.licence, [{ [NAMESPACE]: { given_name: 'Ada' } }])
    })

    test(`their wallet takes a credential from our issuer with a tx_code ${who}`, async () => {
      const { link, tx_code: txCode } = await lanyard.offer({ type: 'employee_badge', txCode: true })
      const { credentials } = await newWallet(counterpart).accept(link, { ...lanyard, txCode })
      assert.equal(credentials[0].claims.vct, TYPES.employee_badge.vct)
    })

    test(`our issuer refuses a wrong tx_code with invalid_grant, and the right one still works ${who}`, async () => {
      const { link, tx_code: txCode } = await lanyard.offer({ type: 'employee_badge', txCode: true })
      const wrong = txCode.replace(/./, (digit) => String((Number(digit) + 1) % 10))
      const wallet = newWallet(counterpart)
      await assert.rejects(wallet.accept(link, { ...lanyard, txCode: wrong }), /invalid_grant/)
      const { credentials } = await wallet.accept(link, { ...lanyard, txCode })
      assert.equal(credentials.length, 1)
    })

    test(`our issuer gives an offer out once ${who}`, async () => {
      const { link } = await lanyard.offer({ type: 'employee_badge' })
      await newWallet(counterpart).accept(link, lanyard)
      await assert.rejects(newWallet(counterpart).accept(link, lanyard), /invalid_grant|40[04]/)
    })
  }
})

for (const counterpart of COUNTERPARTS) {
  const who = `[${counterpart.name}]`
  describe(`the issuer of ${counterpart.name}`, () => {
    let issuer
    before(async () => (issuer = await startIssuer(counterpart)))
    after(() => issuer?.stop())

    for (const type of [BADGE, IDENTITY, LICENCE]) {
      test(`our wallet takes a credential from their issuer: ${type.configurationId} ${who}`, async () => {
        const { id, link } = await issuer.offer({ configuration: type.configurationId })
        const wallet = newLanyardWallet()
        const { credentials } = await wallet.accept(link, { trustAnchorFiles: [issuer.trustAnchorFile] })
        assert.equal(credentials.length, 1)
        for (const [name, value] of Object.entries(type.claims)) {
          assert.deepEqual(credentials[0].claims[name], value)
        }
        await issuer.issued(id)
        const { credentials: held } = await wallet.list()
        assert.deepEqual(held.map(({ types }) => types[0]), [type.vct ?? type.doctype])
      })
    }

    test(`our wallet takes a credential from their issuer by reference, with a tx_code ${who}`, async () => {
      const offer = await issuer.offer({ configuration: BADGE.configurationId, tx_code: true, by_reference: true })
      const options = { txCode: offer.tx_code, trustAnchorFiles: [issuer.trustAnchorFile] }
      const { credentials } = await newLanyardWallet().accept(offer.link, options)
      assert.equal(credentials[0].claims.department, BADGE.claims.department)
    })

    test(`our wallet tells of their invalid_grant after a wrong tx_code ${who}`, async () => {
      const offer = await issuer.offer({ configuration: BADGE.configurationId, tx_code: true })
      const txCode = offer.tx_code === '0000' ? '0001' : '0000'
      const options = { txCode, trustAnchorFiles: [issuer.trustAnchorFile] }
      await assert.rejects(newLanyardWallet().accept(offer.link, options), /invalid_grant|tx_code/)
    })

    test(`our wallet refuses a credential of an issuer it does not trust ${who}`, async () => {
      const { link } = await issuer.offer({ configuration: BADGE.configurationId })
      await assert.rejects(newLanyardWallet().accept(link), /trust|anchor/i)
    })
  })
}
