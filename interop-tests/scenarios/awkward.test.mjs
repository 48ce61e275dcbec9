// An issuer that keeps to the rules and is hard to deal with: one good nonce in twenty is refused, replies come late,
// JSON has members that nobody knows. A foreign wallet gets through all the same.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newWallet, OPENID4VC_TS } from './lib/counterparts.mjs'
import { startLanyard, TYPES } from './lib/lanyard.mjs'

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
