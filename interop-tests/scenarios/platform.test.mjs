// The Digital Credentials API: their wallet behind the platform answers our verifier. `@openid4vc/openid4vp` and
// Credo read and answer openid4vp-v1-*; `@owf/mdoc` and `@hpke/core` answer org-iso-mdoc.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { CREDO, newWallet, OPENID4VC_TS } from './lib/counterparts.mjs'
import { startLanyard, TYPES } from './lib/lanyard.mjs'
import { credentialQuery, mdocQuery, query } from './lib/queries.mjs'
import { DOCTYPE, NAMESPACE } from '../peers/lib/mdoc-wallet.mjs'

const IDENTITY = query(credentialQuery('identity', TYPES.verified_identity.vct, [['given_name'], ['address', 'locality']]))
const LICENCE = query(mdocQuery('licence', DOCTYPE, [[NAMESPACE, 'given_name'], [NAMESPACE, 'age_over_18']]))
const MODES = ['direct_post', 'direct_post.jwt']

function answers(counterpart) {
  const wallet = newWallet(counterpart)
  let lanyard
  let iaca
  before(async () => {
    lanyard = await startLanyard()
    const { link } = await lanyard.offer({ type: 'verified_identity' })
    await wallet.accept(link, lanyard)
    iaca = await wallet.mint()
  })
  after(() => lanyard?.stop())

  /** Asks, and gives what the wallet answers to a page of this origin. */
  async function asked({ query, protocol, responseMode, origin = lanyard.base }) {
    const asking = { query, protocols: [protocol], origins: [lanyard.base], responseMode, trustAnchorFiles: [iaca] }
    const { id, dc_api } = await lanyard.platformRequest(asking)
    const [request] = dc_api.requests
    assert.equal(request.protocol, protocol)
    return { id, answer: await wallet.platform({ ...request, origin }, lanyard) }
  }

  for (const protocol of ['openid4vp-v1-unsigned', 'openid4vp-v1-signed']) {
    for (const responseMode of MODES) {
      const way = `${protocol}, ${responseMode.replace('direct_post', 'dc_api')}`

      test(`their wallet presents an SD-JWT VC to our verifier: ${way} [${counterpart.name}]`, async () => {
        const { id, answer } = await asked({ query: IDENTITY, protocol, responseMode })
        await lanyard.platformAnswer(id, answer, lanyard.base)
        const { state, reason, credentials } = await lanyard.verdict(id)
        assert.equal(state, 'verified', reason)
        assert.equal(credentials.identity[0].given_name, 'Ada')
        assert.deepEqual(Object.keys(credentials.identity[0].address), ['locality'])
      })

      test(`their wallet presents an mdoc to our verifier: ${way} [${counterpart.name}]`, async () => {
        const { id, answer } = await asked({ query: LICENCE, protocol, responseMode })
        await lanyard.platformAnswer(id, answer, lanyard.base)
        const { state, reason, credentials } = await lanyard.verdict(id)
        assert.equal(state, 'verified', reason)
        assert.deepEqual(credentials.licence, [{ [NAMESPACE]: { given_name: 'Ada', age_over_18: true } }])
      })
    }
  }

  test(`our verifier refuses what their wallet answered another origin [${counterpart.name}]`, async () => {
    const origin = 'https://evil.example'
    const { id, answer } = await asked({ query: IDENTITY, protocol: 'openid4vp-v1-unsigned', origin })
    await assert.rejects(lanyard.platformAnswer(id, answer, lanyard.base), /400/)
    const { state, reason } = await lanyard.verdict(id)
    assert.equal(state, 'refused')
    assert.match(reason, /audience_mismatch/)
  })

  test(`their wallet refuses a signed request that another origin replays [${counterpart.name}]`, async () => {
    const origin = 'https://evil.example'
    await assert.rejects(asked({ query: IDENTITY, protocol: 'openid4vp-v1-signed', origin }), /origin/i)
  })

  // Credo does not speak ISO/IEC 18013-7 Annex C
  if (counterpart !== OPENID4VC_TS) return

  test('their wallet presents an mdoc to our verifier: org-iso-mdoc [owf-mdoc]', async () => {
    const { id, answer } = await asked({ query: LICENCE, protocol: 'org-iso-mdoc' })
    await lanyard.platformAnswer(id, answer, lanyard.base)
    const { state, reason, credentials } = await lanyard.verdict(id)
    assert.equal(state, 'verified', reason)
    assert.deepEqual(credentials.licence, [{ [NAMESPACE]: { given_name: 'Ada', age_over_18: true } }])
  })

  test('our verifier refuses what their wallet sealed for another origin: org-iso-mdoc [owf-mdoc]', async () => {
    const { id, answer } = await asked({ query: LICENCE, protocol: 'org-iso-mdoc', origin: 'https://evil.example' })
    await assert.rejects(lanyard.platformAnswer(id, answer, lanyard.base), /400/)
    // what cannot be opened says nothing about the holder, so the request goes on waiting
    assert.equal((await lanyard.read(`requests/${id}`)).state, 'waiting')
  })
}

for (const counterpart of [OPENID4VC_TS, CREDO]) {
  describe(`the wallet of ${counterpart.name} behind the platform`, () => answers(counterpart))
}
