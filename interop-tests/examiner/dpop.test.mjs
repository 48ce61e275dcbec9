// The examiner shows proofs of possession, rightly and wrongly, at the token and the credential endpoint (RFC 9449).
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startLanyard } from '../scenarios/lib/lanyard.mjs'
import { ask, discover, dpop, examineError, freshNonce, keyProof, named, PRE_AUTHORIZED, readOffer, toToken } from './lib/issuer-exam.mjs'
import { base64url, breakSignature, newKey, seconds, sha256, signJwt } from './lib/sd-jwt.mjs'

const TYPE = 'employee_badge'
let lanyard
before(async () => (lanyard = await startLanyard()))
after(() => lanyard?.stop())

/** An offer that waits for its token, and the nonce of its authorization server. */
async function atToken() {
  const { link } = await lanyard.offer({ type: TYPE })
  const offer = await readOffer(link)
  const found = await discover(offer.credential_issuer)
  const form = { grant_type: PRE_AUTHORIZED, 'pre-authorized_code': offer.grants[PRE_AUTHORIZED]['pre-authorized_code'] }
  const key = await newKey()
  const first = await ask(found.server.token_endpoint, {
    method: 'POST',
    form: { ...form, 'pre-authorized_code': 'nobody-has-this-code' },
    headers: { DPoP: await dpop({ key, url: found.server.token_endpoint }) },
  })
  return { ...found, offer, form, key, nonce: first.headers.get('dpop-nonce') ?? undefined, url: found.server.token_endpoint }
}

/** A bound token that waits for its credential, with a proof for the next request. */
async function atCredential() {
  const at = await toToken(lanyard, { type: TYPE })
  assert.equal(at.token.body.token_type.toLowerCase(), 'dpop', 'the token is bound')
  const accessToken = at.token.body.access_token
  const url = at.metadata.credential_endpoint
  const probe = await ask(url, {
    method: 'POST',
    json: {},
    headers: { authorization: `DPoP ${accessToken}`, DPoP: await dpop({ key: at.dpopKey, url, accessToken }) },
  })
  const { nonce: cNonce } = await freshNonce(at)
  const holder = await newKey()
  const proof = await keyProof({ key: holder, issuer: at.issuer, nonce: cNonce })
  return {
    ...at,
    url,
    key: at.dpopKey,
    accessToken,
    nonce: probe.headers.get('dpop-nonce') ?? undefined,
    json: { ...named(at), proofs: { jwt: [proof] } },
  }
}

const token = (at, proof, more = {}) => ask(at.url, { method: 'POST', form: at.form, headers: { DPoP: proof }, ...more })
const credential = (at, proof, { scheme = 'DPoP' } = {}) =>
  ask(at.url, { method: 'POST', json: at.json, headers: { authorization: `${scheme} ${at.accessToken}`, DPoP: proof } })

/** What makes a proof wrong at either endpoint: `bend` changes what `dpop` makes. */
const FAULTS = {
  'of another typ': { header: { typ: 'JWT' } },
  'without a key': { header: { jwk: undefined } },
  'without a jti': { claims: { jti: undefined } },
  'without an htm': { claims: { htm: undefined } },
  'without an htu': { claims: { htu: undefined } },
  'without an iat': { claims: { iat: undefined } },
  'for another method': { claims: { htm: 'GET' } },
  'for another place': { claims: { htu: 'https://elsewhere.example/token' } },
  'of an hour ago': { claims: () => ({ iat: seconds(-3600) }) },
  'of the next hour': { claims: () => ({ iat: seconds(3600) }) },
  'with a broken signature': { finish: breakSignature },
  'with a private key in it': { header: (key) => ({ jwk: key.privateJwk }) },
  'signed by nobody': {
    finish: (jws) => {
      const [header, payload] = jws.split('.')
      const open = { ...JSON.parse(Buffer.from(header, 'base64url')), alg: 'none' }
      return `${base64url(JSON.stringify(open))}.${payload}.`
    },
  },
  'that is no JWT': { finish: () => 'not.a.jwt' },
}

const valueOf = (bend, key) => (typeof bend === 'function' ? bend(key) : (bend ?? {}))

async function bent(at, { header, claims, finish = (it) => it }) {
  const { key, url, nonce, accessToken } = at
  return finish(await dpop({ key, url, nonce, accessToken, header: valueOf(header, key), claims: valueOf(claims, key) }))
}

/** What is unusual, and right. */
const GOOD = {
  'of ten seconds ago': { claims: () => ({ iat: seconds(-10) }) },
  'ten seconds ahead': { claims: () => ({ iat: seconds(10) }) },
  'with nbf and exp': { claims: () => ({ nbf: seconds(-5), exp: seconds(60) }) },
  'with claims that nobody knows': { claims: { unknown: ['to', 'be', 'ignored'] } },
}

describe('the token endpoint', () => {
  for (const [fault, bend] of Object.entries(FAULTS)) {
    test(`refuses a proof ${fault}, and the code stays good`, async () => {
      const at = await atToken()
      examineError(await token(at, await bent(at, bend)), ['invalid_dpop_proof', 'invalid_request']).none()
      assert.equal((await token(at, await bent(at, {}))).status, 200)
    })
  }

  for (const [way, bend] of Object.entries(GOOD)) {
    test(`takes a proof ${way}`, async () => {
      const at = await atToken()
      const { status, text } = await token(at, await bent(at, bend))
      assert.equal(status, 200, text)
    })
  }

  test('takes an htu with a query and a fragment, which are not looked at', async () => {
    const at = await atToken()
    const { status, text } = await token(at, await bent(at, { claims: { htu: `${at.url}?a=b#c` } }))
    assert.equal(status, 200, text)
  })

  test('refuses two proofs', async () => {
    const at = await atToken()
    const proofs = [await bent(at, {}), await bent(at, {})]
    examineError(await token(at, proofs), ['invalid_dpop_proof', 'invalid_request']).none()
  })

  test('refuses a nonce that is not of this server, and says which to take', async () => {
    const at = await atToken()
    const reply = await token(at, await bent({ ...at, nonce: 'of-somebody-else' }, {}))
    examineError(reply, 'use_dpop_nonce').none()
    assert.ok(reply.headers.get('dpop-nonce'))
    assert.equal((await token(at, await bent({ ...at, nonce: reply.headers.get('dpop-nonce') }, {}))).status, 200)
  })

  test('refuses a proof that was seen before', async () => {
    const [one, two] = [await atToken(), await atToken()]
    const proof = await bent(one, {})
    assert.equal((await token(one, proof)).status, 200)
    examineError(await token(two, proof), ['invalid_dpop_proof', 'use_dpop_nonce']).none()
  })
})

describe('the credential endpoint', () => {
  const challenged = (reply) => {
    assert.ok([400, 401].includes(reply.status), `${reply.status} ${reply.text}`)
    assert.match(reply.headers.get('www-authenticate') ?? '', /DPoP/)
  }

  for (const [fault, bend] of Object.entries({
    ...FAULTS,
    'without an ath': { claims: { ath: undefined } },
    'for another token': { claims: { ath: sha256('another token') } },
  })) {
    test(`refuses a proof ${fault}, and the token stays good`, async () => {
      const at = await atCredential()
      challenged(await credential(at, await bent(at, bend)))
      const { status, text } = await credential(at, await bent(at, {}))
      assert.equal(status, 200, text)
    })
  }

  for (const [way, bend] of Object.entries(GOOD)) {
    test(`takes a proof ${way}`, async () => {
      const at = await atCredential()
      const { status, text } = await credential(at, await bent(at, bend))
      assert.equal(status, 200, text)
    })
  }

  for (const scheme of ['dpop', 'DPOP', 'DpOp']) {
    test(`takes the scheme ${scheme}`, async () => {
      const at = await atCredential()
      assert.equal((await credential(at, await bent(at, {}), { scheme })).status, 200)
    })
  }

  test('refuses a bound token that is shown as Bearer', async () => {
    const at = await atCredential()
    const reply = await ask(at.url, { method: 'POST', json: at.json, headers: { authorization: `Bearer ${at.accessToken}` } })
    assert.equal(reply.status, 401)
    assert.ok(reply.headers.get('www-authenticate'))
  })

  test('refuses a proof of another key', async () => {
    const at = await atCredential()
    challenged(await credential(at, await bent({ ...at, key: await newKey() }, {})))
  })

  test('refuses a bound token without any proof', async () => {
    const at = await atCredential()
    challenged(await ask(at.url, { method: 'POST', json: at.json, headers: { authorization: `DPoP ${at.accessToken}` } }))
  })

  test('refuses a proof that is signed by one key and names another', async () => {
    const at = await atCredential()
    const other = await newKey()
    const claims = JSON.parse(Buffer.from((await bent(at, {})).split('.')[1], 'base64url'))
    const jws = await signJwt({ typ: 'dpop+jwt', jwk: at.key.publicJwk }, claims, other.privateJwk)
    challenged(await credential(at, jws))
  })
})
