// The examiner waits a minute: what FAPI 2.0 lets live for sixty seconds is worth nothing after them
// (RFC 9126 §2.2, FAPI 2.0 Security Profile §5.3.2.1).
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, test } from 'node:test'
import { serveLanyard } from '../scenarios/lib/served.mjs'
import { AttestedWallet, newAttester } from './lib/attested-wallet.mjs'
import { examineError, trusted } from './lib/issuer-exam.mjs'
import { haipTenant, HOLDERS, WALLETS } from './lib/haip-tenant.mjs'

let attester, server

before(async () => {
  attester = await newAttester()
  const files = { 'attesters.pem': attester.trustAnchorPem, 'holders.json': JSON.stringify(HOLDERS) }
  server = await serveLanyard({ extra: haipTenant('always:ada'), files })
  trusted.push(server.caPem)
})
after(() => server?.stop())

test('a code and a request_uri are worth nothing a minute later', async () => {
  const newWallet = () => AttestedWallet.of({ issuer: server.issuer, attester, ...WALLETS.one })
  const [patient, slow] = await Promise.all([newWallet(), newWallet()])
  const { code } = await patient.toCode()
  const pushed = await slow.push()
  assert.equal(pushed.status, 201, pushed.text)
  assert.ok(pushed.body.expires_in <= 60, `expires_in is ${pushed.body.expires_in}`)
  await sleep(61_000)

  examineError(await patient.trade(code), 'invalid_grant').none()
  const { reply, parameters } = await slow.authorize(pushed.body.request_uri)
  assert.equal(parameters.code, undefined)
  assert.ok(reply.status >= 400 || parameters.error === 'invalid_request_uri', `${reply.status}`)
})
