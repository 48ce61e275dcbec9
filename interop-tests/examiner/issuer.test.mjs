// The examiner is a wallet: it takes credentials from the issuer, rightly and wrongly.
// Written from OpenID4VCI 1.0, HAIP 1.0 and the RFCs below them, not from Lanyard's types.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { startLanyard } from '../scenarios/lib/lanyard.mjs'
import {
  ask,
  askCredential,
  discover,
  examineError,
  examineMetadata,
  examineSdJwtVc,
  examineToken,
  freshNonce,
  keyProof,
  named,
  PRE_AUTHORIZED,
  readOffer,
  toToken,
  wellKnown,
} from './lib/issuer-exam.mjs'
import { breakSignature, newKey } from './lib/sd-jwt.mjs'

const TYPE = 'employee_badge'
let lanyard, trustAnchorPem
before(async () => {
  lanyard = await startLanyard()
  trustAnchorPem = readFileSync(lanyard.trustAnchorFile, 'utf8')
})
after(() => lanyard?.stop())

/** A credential request with one good proof; `bend` makes one thing wrong. */
async function askOnce(at, bend = {}) {
  const key = bend.key ?? (await newKey())
  const { nonce } = await freshNonce(at)
  const proof = await keyProof({ key, issuer: at.issuer, nonce, ...bend.proof })
  const request = { ...named(at), proofs: { jwt: [bend.finish ? bend.finish(proof) : proof] }, unknown_member: [1, 2], ...bend.request }
  return { key, reply: await askCredential(at, request) }
}

describe('the metadata', () => {
  test('is without fault, at the inserted well-known locations', async () => {
    examineMetadata(await discover(lanyard.issuer)).none()
  })

  test('is not at the appended location that older drafts had', async () => {
    for (const name of ['openid-credential-issuer', 'oauth-authorization-server']) {
      assert.equal((await ask(`${lanyard.issuer}/.well-known/${name}`)).status, 404)
      assert.equal((await ask(wellKnown(lanyard.issuer, name))).status, 200)
    }
  })
})

describe('the nonce endpoint', () => {
  test('answers a POST with a fresh c_nonce that nobody may store, and refuses a GET', async () => {
    const found = await discover(lanyard.issuer)
    const [one, two] = [await freshNonce(found), await freshNonce(found)]
    assert.equal(one.reply.status, 200)
    assert.equal(one.reply.type, 'application/json')
    assert.match(one.reply.headers.get('cache-control'), /no-store/)
    assert.ok(one.nonce && one.nonce !== two.nonce)
    assert.equal((await ask(found.metadata.nonce_endpoint)).status, 405)
  })
})

describe('the pre-authorized flow', () => {
  test('issues a credential without fault, whatever unknown members are sent', async () => {
    const at = await toToken(lanyard, { type: TYPE })
    examineToken(at).none()
    const { key, reply } = await askOnce(at)
    assert.equal(reply.status, 200, reply.text)
    assert.equal(reply.type, 'application/json')
    assert.deepEqual(
      Object.keys(reply.body).filter((name) => !['credentials', 'notification_id'].includes(name)),
      [],
    )
    assert.deepEqual(Object.keys(reply.body.credentials[0]), ['credential'])
    const configuration = at.metadata.credential_configurations_supported[at.wanted]
    const { findings } = await examineSdJwtVc(reply.body.credentials[0].credential, {
      configuration,
      key: key.publicJwk,
      trustAnchorPem,
    })
    findings.none()
  })

  test('wants the tx code as a text, refuses another one, and leaves the offer alive', async () => {
    const { link, tx_code: code } = await lanyard.offer({ type: TYPE, txCode: true })
    const offer = await readOffer(link)
    const { server } = await discover(offer.credential_issuer)
    const form = { grant_type: PRE_AUTHORIZED, 'pre-authorized_code': offer.grants[PRE_AUTHORIZED]['pre-authorized_code'] }
    const wrong = code === '000000' ? '111111' : '000000'
    const trade = (more) => ask(server.token_endpoint, { method: 'POST', form: { ...form, ...more } })
    examineError(await trade({}), 'invalid_request').none()
    examineError(await trade({ tx_code: wrong }), 'invalid_grant').none()
    assert.equal((await trade({ tx_code: code })).status, 200)
    examineError(await trade({ tx_code: code }), 'invalid_grant').none()
  })

  test('gives one token for a code that 32 wallets show at once', async () => {
    const { link } = await lanyard.offer({ type: TYPE })
    const offer = await readOffer(link)
    const { server } = await discover(offer.credential_issuer)
    const form = { grant_type: PRE_AUTHORIZED, 'pre-authorized_code': offer.grants[PRE_AUTHORIZED]['pre-authorized_code'] }
    const replies = await Promise.all(
      Array.from({ length: 32 }, () => ask(server.token_endpoint, { method: 'POST', form })),
    )
    assert.equal(replies.filter(({ status }) => status === 200).length, 1)
    for (const reply of replies.filter(({ status }) => status !== 200)) examineError(reply, 'invalid_grant').none()
  })
})

describe('a batch', () => {
  test('binds one credential to each key, unlinkable to one another', async () => {
    const at = await toToken(lanyard, { type: TYPE })
    const size = Math.min(at.metadata.batch_credential_issuance.batch_size, 10)
    const keys = await Promise.all(Array.from({ length: size }, newKey))
    const { nonce } = await freshNonce(at)
    const jwt = await Promise.all(keys.map((key) => keyProof({ key, issuer: at.issuer, nonce })))
    const { status, body, text } = await askCredential(at, { ...named(at), proofs: { jwt } })
    assert.equal(status, 200, text)
    assert.ok(body.credentials.length <= size)
    const configuration = at.metadata.credential_configurations_supported[at.wanted]
    const looks = []
    for (const { credential } of body.credentials) looks.push(await examineSdJwtVc(credential, { configuration, trustAnchorPem }))
    for (const { findings } of looks) findings.none()
    const all = (of) => looks.flatMap(of)
    const distinct = (list) => assert.equal(new Set(list).size, list.length)
    distinct(all(({ salts }) => salts))
    distinct(all(({ claims }) => [claims.cnf.jwk.x]))
    assert.deepEqual(new Set(all(({ claims }) => claims.cnf.jwk.x)), new Set(keys.map(({ publicJwk }) => publicJwk.x)))
    const places = all(({ claims }) => [claims.status?.status_list?.idx]).filter((idx) => idx !== undefined)
    distinct(places)
    const steps = places.slice(1).map((idx, index) => idx - places[index])
    assert.ok(places.length < 3 || new Set(steps).size > 1, 'the indices are an arithmetic progression')
  })

  test('has no more proofs than batch_size', async () => {
    const at = await toToken(lanyard, { type: TYPE })
    const { nonce } = await freshNonce(at)
    const many = at.metadata.batch_credential_issuance.batch_size + 1
    const proof = async () => keyProof({ key: await newKey(), issuer: at.issuer, nonce })
    const jwt = await Promise.all(Array.from({ length: many }, proof))
    examineError(await askCredential(at, { ...named(at), proofs: { jwt } }), ['invalid_credential_request', 'invalid_proof']).none()
  })
})

describe('the credential endpoint', () => {
  const REFUSALS = {
    'a nonce that it did not give': ['invalid_nonce', { proof: { change: (it) => ({ ...it, nonce: 'not-a-nonce-of-yours' }) } }],
    'a proof without a nonce': [['invalid_proof', 'invalid_nonce'], { proof: { change: ({ nonce: _, ...it }) => it } }],
    'a broken signature of the proof': ['invalid_proof', { finish: breakSignature }],
    'a proof for somebody else': ['invalid_proof', { proof: { change: (it) => ({ ...it, aud: 'https://elsewhere.example' }) } }],
    'a proof of last year': ['invalid_proof', { proof: { change: (it) => ({ ...it, iat: it.iat - 365 * 86_400 }) } }],
    'a proof of another type': ['invalid_proof', { proof: { header: { typ: 'JWT' } } }],
    'a request without proofs': ['invalid_proof', { request: { proofs: undefined } }],
    'proofs of two types': [['invalid_proof', 'invalid_credential_request'], { request: { proofs: { jwt: ['a.b.c'], attestation: ['a.b.c'] } } }],
    'proofs that are empty': [['invalid_proof', 'invalid_credential_request'], { request: { proofs: { jwt: [] } } }],
    'a configuration that it does not have': [
      'unknown_credential_configuration',
      { request: { credential_identifier: undefined, credential_configuration_id: 'nobody.has.this' } },
    ],
    'an identifier that it did not give': [
      'unknown_credential_identifier',
      { request: { credential_configuration_id: undefined, credential_identifier: 'nobody.gave.this' } },
    ],
    'both names at once': ['invalid_credential_request', { request: { credential_configuration_id: TYPE, credential_identifier: 'x' } }],
    'response encryption that it does not know': [
      ['invalid_encryption_parameters', 'invalid_credential_request'],
      { request: { credential_response_encryption: { jwk: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', alg: 'UNSUPPORTED_ALG' }, enc: 'A256GCM' } } },
    ],
  }
  for (const [fault, [error, bend]] of Object.entries(REFUSALS)) {
    test(`refuses ${fault} as the specification says, and the token stays good`, async () => {
      const at = await toToken(lanyard, { type: TYPE })
      examineError((await askOnce(at, bend)).reply, error).none()
      assert.equal((await askOnce(at)).reply.status, 200)
    })
  }

  test('refuses a token in the query', async () => {
    const at = await toToken(lanyard, { type: TYPE })
    const place = new URL(at.metadata.credential_endpoint)
    place.searchParams.set('access_token', at.token.body.access_token)
    const { nonce } = await freshNonce(at)
    const proof = await keyProof({ key: await newKey(), issuer: at.issuer, nonce })
    const reply = await ask(place, { method: 'POST', json: { ...named(at), proofs: { jwt: [proof] } } })
    assert.ok(reply.status >= 400 && reply.status < 500)
    assert.match(reply.headers.get('www-authenticate') ?? '', /^(Bearer|DPoP)/)
  })

  test('refuses a token that it did not give, by a challenge', async () => {
    const { metadata } = await discover(lanyard.issuer)
    const headers = { authorization: `Bearer ${'A'.repeat(43)}` }
    const reply = await ask(metadata.credential_endpoint, { method: 'POST', headers, json: {} })
    assert.equal(reply.status, 401)
    assert.match(reply.headers.get('www-authenticate'), /invalid_token/)
  })
})
