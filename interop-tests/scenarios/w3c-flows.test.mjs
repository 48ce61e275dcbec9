// W3C credentials by the longer ways of issuance: a foreign wallet whose holder logs in, that waits, that encrypts.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { newWallet, OPENID4VC_TS } from './lib/counterparts.mjs'
import { samplesOf, startServing, W3C_TYPES } from './lib/lanyard.mjs'
import { logIn } from './lib/login.mjs'

const ADA = { user: 'ada', password: 'demo' }
const CLIENT = { client: 'their-wallet', redirectUri: 'http://127.0.0.1/callback' }
const types = Object.values(W3C_TYPES)

/** Ada, whose password is `demo`, and what is known about her for each type. */
const HOLDERS = JSON.stringify([
  {
    name: ADA.user,
    password_hash:
      '$argon2id$v=19$m=19456,t=2,p=1$nvrQbgu1rMPnfwIAx76ImQ$3tPGFM9cFW7Xc83R9ySt1Zaz/XwBTNUdUNf8PxU0n7U',
    claims: Object.fromEntries(types.map((type) => [type.id, samplesOf(type)])),
  },
])

const LOGIN = `login = { holders = "holders.json" }
[[tenants.clients]]
id = "${CLIENT.client}"
redirect_uris = ["${CLIENT.redirectUri}"]
authentication = "none"`

describe('our issuer, its holders log in', () => {
  const who = `[${OPENID4VC_TS.name}]`
  let lanyard
  before(async () => {
    lanyard = await startServing({ types, files: { 'holders.json': HOLDERS }, extra: LOGIN })
  })
  after(() => lanyard?.stop())

  const said = ({ claims }, { credential_definition: { type } }) => {
    assert.deepEqual(claims.type, type)
    assert.equal(claims.credentialSubject.given_name, 'Ada')
  }

  /** What a wallet takes whose holder logs in. */
  async function loggedIn(type, { flags, deferral } = {}) {
    const offer = await lanyard.offerOf({
      credentials: [{ configuration: type.id }],
      login: 'only',
      holder: 'ada',
      ...(deferral ? { deferral } : {}),
    })
    const wallet = newWallet(OPENID4VC_TS)
    const { url } = await wallet.begin(offer.link, CLIENT)
    const taking = wallet.finish(await logIn(url, ADA), { ...lanyard, flags })
    return { taking, id: offer.id }
  }

  /** What a wallet takes by a code that came with the offer. */
  async function offered(type, { flags, deferral } = {}) {
    const credentials = [{ configuration: type.id, claims: samplesOf(type) }]
    const offer = await lanyard.offerOf({ credentials, ...(deferral ? { deferral } : {}) })
    return { taking: newWallet(OPENID4VC_TS).accept(offer.link, { ...lanyard, flags }), id: offer.id }
  }

  test(`openid4vc-deferred-notification: the library refuses a deferred credential that comes with a notification_id ${who}`, async () => {
    const { taking, id } = await offered(types[0], { flags: ['--library-deferred'], deferral: 'until_decided' })
    await Promise.all([assert.rejects(taking, /Error retrieving deferred credentials/), lanyard.release(id)])
  })

  for (const [format, type] of Object.entries(W3C_TYPES)) {
    test(`their wallet logs its holder in and takes a ${format} ${who}`, async () => {
      const { token_type: tokenType, credentials } = await (await loggedIn(type)).taking
      assert.equal(tokenType, 'DPoP')
      said(credentials[0], type)
    })

    test(`their wallet logs its holder in and takes an encrypted ${format} ${who}`, async () => {
      const { credentials } = await (await loggedIn(type, { flags: ['--encrypt'] })).taking
      said(credentials[0], type)
    })

    test(`their wallet takes an encrypted ${format} of an offer ${who}`, async () => {
      const { credentials } = await (await offered(type, { flags: ['--encrypt'] })).taking
      said(credentials[0], type)
    })

    for (const [how, flags] of [['', []], [', encrypted', ['--encrypt']]]) {
      test(`their wallet collects a ${format} that was put off${how} ${who}`, async () => {
        const { taking, id } = await offered(type, { flags, deferral: 'until_decided' })
        const [{ deferred, credentials }] = await Promise.all([taking, lanyard.release(id)])
        assert.equal(deferred, true)
        said(credentials[0], type)
      })
    }
  }
})
