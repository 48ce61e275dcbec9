// An issuer that keeps to the rules and is hard to deal with: one good nonce in twenty is refused, replies come late,
// JSON has members that nobody knows. A foreign wallet gets through all the same. And the other way round.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { IDENTITY } from '../peers/lib/credentials.mjs'
import { newWallet, OPENID4VC_TS, startIssuer, startVerifier } from './lib/counterparts.mjs'
import { newLanyardWallet, startLanyard, TYPES } from './lib/lanyard.mjs'
import { credentialQuery, query } from './lib/queries.mjs'

const FLOWS = Number(process.env.AWKWARD_FLOWS ?? 24)
const AT_ONCE = 4

let lanyard
before(async () => (lanyard = await startLanyard(['--awkward'])))
after(() => lanyard?.stop())

test(`their wallet takes ${FLOWS} credentials from an awkward issuer [${OPENID4VC_TS.name}]`, async () => {
  const failures = []
  const flow = async () => {
    const { link } = await lanyard.offer({ type: 'employee_badge' })
    const { credentials } = await newWallet(OPENID4VC_TS).accept(link, lanyard)
    assert.equal(credentials[0].claims.vct, TYPES.employee_badge.vct)
  }
  const line = async (count) => {
    for (let n = 0; n < count; n += 1) await flow().catch((error) => failures.push(error.message))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, () => line(FLOWS / AT_ONCE)))
  assert.ok(failures.length <= FLOWS / 1000, failures.join('\n'))
})

test(`our wallet takes a batch that comes in reverse, by a token without an end of a type in other letters [${OPENID4VC_TS.name}]`, async () => {
  const issuer = await startIssuer(OPENID4VC_TS, ['--awkward'])
  const verifier = await startVerifier(OPENID4VC_TS, [issuer.trustAnchorFile])
  try {
    const wallet = newLanyardWallet()
    const { link } = await issuer.offer({ configuration: IDENTITY.configurationId })
    const { credentials } = await wallet.accept(link, { trustAnchorFiles: [issuer.trustAnchorFile] })
    assert.deepEqual([credentials[0].copies, credentials[0].unused_copies], [4, 4])
    // each copy is shown once, by its own key: a wallet that goes by the order signs with another's
    for (let copy = 0; copy < 4; copy += 1) {
      const { id, link } = await verifier.request({
        dcql_query: query(credentialQuery('identity', IDENTITY.vct, [['given_name']])),
        client_id_prefix: 'redirect_uri',
        response_mode: 'direct_post',
      })
      await wallet.present(link)
      assert.equal((await verifier.verdict(id)).state, 'verified')
    }
    const { credentials: held } = await wallet.list()
    assert.equal(held[0].unused_copies, 0)
  } finally {
    await Promise.all([issuer.stop(), verifier.stop()])
  }
})
