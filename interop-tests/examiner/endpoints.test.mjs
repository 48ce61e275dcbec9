// The examiner is a wallet that uses all that the issuer offers: signed metadata, encryption, deferral, notification.
// Written from OpenID4VCI 1.0 §8.3, §9–§12 and RFC 7516, not from Lanyard's types.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { compactDecrypt, CompactEncrypt, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK } from 'jose'
import { startLanyard } from '../scenarios/lib/lanyard.mjs'
import {
  ask,
  askCredential,
  askWithToken,
  discover,
  examineError,
  examineSdJwtVc,
  examineSignedMetadata,
  goodRequest,
  named,
  tokenFor,
  toToken,
  wellKnown,
} from './lib/issuer-exam.mjs'

const TYPE = 'employee_badge'
const CLAIMS = { given_name: 'Ada', family_name: 'Moreau', employee_id: 'AF-1' }

let lanyard, trustAnchorPem
before(async () => {
  lanyard = await startLanyard()
  trustAnchorPem = readFileSync(lanyard.trustAnchorFile, 'utf8')
})
after(() => lanyard?.stop())

/** The credential of a reply, without fault. */
async function examined(at, body, key) {
  const configuration = at.metadata.credential_configurations_supported[at.wanted]
  const { findings } = await examineSdJwtVc(body.credentials[0].credential, { configuration, key: key.publicJwk, trustAnchorPem })
  findings.none()
}

describe('the signed metadata', () => {
  test('are without fault, and say what the others say', async () => {
    const { findings, metadata } = await examineSignedMetadata(lanyard.issuer, trustAnchorPem)
    findings.none()
    const plain = await discover(lanyard.issuer)
    assert.deepEqual(metadata, plain.metadata)
  })

  test('come to nobody who does not ask for them', async () => {
    const place = wellKnown(lanyard.issuer, 'openid-credential-issuer')
    for (const accept of ['application/json', '*/*', 'application/json, application/jwt;q=0.1', undefined]) {
      const reply = await ask(place, { headers: accept ? { accept } : {} })
      assert.equal(reply.type, 'application/json', `Accept: ${accept}`)
      assert.match(reply.headers.get('vary') ?? '', /accept/i)
    }
  })
})

describe('the credential endpoint', () => {
  for (const accept of ['application/json', '*/*', 'application/json;q=0.5, text/html', undefined]) {
    test(`answers JSON to Accept: ${accept ?? '(none)'}, with a Date`, async () => {
      const at = await toToken(lanyard, { type: TYPE })
      const { request } = await goodRequest(at)
      const reply = await askCredential(at, request, { headers: accept ? { accept } : {} })
      assert.equal(reply.status, 200, reply.text)
      assert.equal(reply.type, 'application/json')
      assert.ok(Math.abs(Date.parse(reply.headers.get('date')) - Date.now()) < 60_000)
      assert.match(reply.headers.get('cache-control') ?? '', /no-store/)
    })
  }

  test('refuses the token of one wallet with the key of another', async () => {
    const [one, other] = [await toToken(lanyard, { type: TYPE }), await toToken(lanyard, { type: TYPE })]
    assert.ok(one.bound, 'the server binds tokens to keys')
    const { request } = await goodRequest(one)
    const stolen = await askCredential({ ...one, dpopKey: other.dpopKey }, request)
    assert.equal(stolen.status, 401, stolen.text)
    const reply = await askCredential(one, request)
    assert.equal(reply.status, 200, reply.text)
  })
})

describe('encryption', () => {
  /** A request as a JWE to the issuer's key (OID4VCI §10), with a key for the response. */
  async function sealed(at, request, { enc = 'A256GCM', zip, responseZip, alg = 'ECDH-ES' } = {}) {
    const { jwks } = at.metadata.credential_request_encryption
    const [recipient] = jwks.keys
    const { publicKey, privateKey } = await generateKeyPair('ECDH-ES', { crv: 'P-256', extractable: true })
    const jwk = { ...(await exportJWK(publicKey)), alg, use: 'enc', kid: 'mine' }
    const credentialResponseEncryption = { jwk, enc, ...(responseZip ? { zip: responseZip } : {}) }
    const json = JSON.stringify({ ...request, credential_response_encryption: credentialResponseEncryption })
    const plain = new TextEncoder().encode(json)
    const header = { alg: recipient.alg, enc, kid: recipient.kid, cty: 'json', ...(zip ? { zip } : {}) }
    const body = await new CompactEncrypt(plain)
      .setProtectedHeader(header)
      .encrypt(await importJWK(recipient, recipient.alg))
    return { body, privateKey, request: { json: undefined, body, headers: { 'content-type': 'application/jwt' } } }
  }

  for (const enc of ['A128GCM', 'A256GCM']) {
    test(`a request and its response are encrypted with ${enc}`, async () => {
      const at = await toToken(lanyard, { type: TYPE })
      const { key, request } = await goodRequest(at)
      const { request: encrypted, privateKey } = await sealed(at, request, { enc })
      const reply = await askCredential(at, undefined, encrypted)
      assert.equal(reply.status, 200, reply.text)
      assert.equal(reply.type, 'application/jwt')
      const header = decodeProtectedHeader(reply.text)
      assert.deepEqual([header.alg, header.enc, header.kid], ['ECDH-ES', enc, 'mine'])
      const { plaintext } = await compactDecrypt(reply.text, privateKey)
      await examined(at, JSON.parse(new TextDecoder().decode(plaintext)), key)
    })
  }

  test('a request and its response are compressed where the metadata say so', async () => {
    const at = await toToken(lanyard, { type: TYPE })
    const { credential_request_encryption: requests, credential_response_encryption: responses } = at.metadata
    assert.ok(requests.zip_values_supported.includes('DEF') && responses.zip_values_supported.includes('DEF'))
    const { key, request } = await goodRequest(at)
    const { request: encrypted, privateKey } = await sealed(at, request, { zip: 'DEF', responseZip: 'DEF' })
    const reply = await askCredential(at, undefined, encrypted)
    assert.equal(reply.status, 200, reply.text)
    assert.equal(decodeProtectedHeader(reply.text).zip, 'DEF')
    const { plaintext } = await compactDecrypt(reply.text, privateKey)
    await examined(at, JSON.parse(new TextDecoder().decode(plaintext)), key)
  })

  test('an error is never encrypted, although the response would be', async () => {
    const at = await toToken(lanyard, { type: TYPE })
    const { request } = await goodRequest(at)
    const wrong = { ...request, proofs: undefined }
    const { request: encrypted } = await sealed(at, wrong)
    examineError(await askCredential(at, undefined, encrypted), 'invalid_proof').none()
  })

  test('an algorithm that nobody has is refused as such', async () => {
    const at = await toToken(lanyard, { type: TYPE })
    const { request } = await goodRequest(at)
    const { request: encrypted } = await sealed(at, request, { alg: 'UNSUPPORTED_ALG' })
    examineError(await askCredential(at, undefined, encrypted), 'invalid_encryption_parameters').none()
  })

  test('a request that is none is refused, and the token stays good', async () => {
    const at = await toToken(lanyard, { type: TYPE })
    const { request } = await goodRequest(at)
    const { body, request: encrypted } = await sealed(at, request)
    const broken = { ...encrypted, body: `${body.slice(0, -4)}AAAA` }
    examineError(await askCredential(at, undefined, broken), ['invalid_encryption_parameters', 'invalid_credential_request']).none()
    assert.equal((await askCredential(at, request)).status, 200)
  })
})

describe('a deferred credential', () => {
  const deferred = async (deferral) =>
    tokenFor(await lanyard.offerOf({ configuration: TYPE, claims: CLAIMS, deferral }))
  const collect = (at, transaction) =>
    askWithToken(at, at.metadata.deferred_credential_endpoint, { json: { transaction_id: transaction, unknown_member: 1 } })

  test('is answered 202 with a transaction and an interval until it is there, and given once it is', async () => {
    const at = await deferred(1)
    const { key, request } = await goodRequest(at)
    const reply = await askCredential(at, request)
    assert.equal(reply.status, 202, reply.text)
    assert.equal(reply.type, 'application/json')
    assert.deepEqual(Object.keys(reply.body).sort(), ['interval', 'transaction_id'])
    assert.ok(Number.isInteger(reply.body.interval) && reply.body.interval > 0)
    const { transaction_id: transaction } = reply.body
    let answer
    do {
      answer = await collect(at, transaction)
      assert.ok([200, 202].includes(answer.status), answer.text)
      if (answer.status === 202) assert.equal(answer.body.transaction_id, transaction)
    } while (answer.status === 202)
    await examined(at, answer.body, key)

    // a reply that was lost is given again, the same, to this token and key alone
    const again = await collect(at, transaction)
    assert.deepEqual([again.status, again.body], [200, answer.body])
    const stranger = await deferred(1)
    examineError(await collect(stranger, transaction), 'invalid_transaction_id').none()

    // once the wallet says that it has it, the transaction is used up (§9.1)
    const { notification_endpoint: place } = at.metadata
    const told = { notification_id: answer.body.notification_id, event: 'credential_accepted' }
    assert.equal((await askWithToken(at, place, { json: told })).status, 204)
    examineError(await collect(at, transaction), 'invalid_transaction_id').none()
  })

  test('is refused under a transaction that nobody gave', async () => {
    const at = await deferred(60)
    examineError(await collect(at, 'nobody-gave-this'), 'invalid_transaction_id').none()
  })
})

describe('the notification endpoint', () => {
  async function received() {
    const at = await toToken(lanyard, { type: TYPE })
    const { request } = await goodRequest(at)
    const reply = await askCredential(at, request)
    assert.equal(reply.status, 200, reply.text)
    const tell = (json) => askWithToken(at, at.metadata.notification_endpoint, { json })
    return { at, id: reply.body.notification_id, tell }
  }

  for (const event of ['credential_accepted', 'credential_failure', 'credential_deleted']) {
    test(`takes ${event} with 204, and again the same`, async () => {
      const { id, tell } = await received()
      for (let round = 0; round < 2; round += 1) {
        const reply = await tell({ notification_id: id, event, event_description: 'as the holder saw it', unknown_member: {} })
        assert.equal(reply.status, 204, reply.text)
        assert.equal(reply.text, '')
      }
    })
  }

  test('refuses what is no notification, and an identifier that is not of this token', async () => {
    const { id, tell } = await received()
    examineError(await tell({ notification_id: id, event: 'credential_lost' }), 'invalid_notification_request').none()
    examineError(await tell({ event: 'credential_accepted' }), 'invalid_notification_request').none()
    examineError(await tell({ notification_id: 'nobody-gave-this', event: 'credential_accepted' }), 'invalid_notification_id').none()
    const other = await received()
    examineError(await other.tell({ notification_id: id, event: 'credential_accepted' }), 'invalid_notification_id').none()
  })

  test('is not needed: a second credential of the same wallet comes without the first being told of', async () => {
    const at = await tokenFor(
      await lanyard.offerOf({
        credentials: [
          { configuration: TYPE, claims: CLAIMS },
          { configuration: 'university_diploma', claims: { given_name: 'Ada', family_name: 'Moreau', degree: 'MSc', awarded_on: '2025-06-30' } },
        ],
      }),
    )
    const { request } = await goodRequest(at)
    assert.equal((await askCredential(at, request)).status, 200)
    const second = await goodRequest(at)
    const wanted = { ...second.request, ...named({ ...at, wanted: 'university_diploma' }) }
    const reply = await askCredential(at, wanted)
    assert.equal(reply.status, 200, reply.text)
  })
})
