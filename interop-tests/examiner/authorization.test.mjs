// The examiner takes a credential by authorization code under HAIP, over https, and breaks every rule on the way.
// Written from HAIP 1.0, the FAPI 2.0 Security Profile, RFC 6749, 7636, 9126, 9207, 9449 and the attestation draft.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { serveLanyard } from '../scenarios/lib/served.mjs'
import { AttestedWallet, newAttester } from './lib/attested-wallet.mjs'
import { contentType, entropyBits } from './lib/findings.mjs'
import { haipTenant, HOLDERS, WALLETS } from './lib/haip-tenant.mjs'
import { ask, discover, examineError, examineMetadata, freshNonce, keyProof, trusted } from './lib/issuer-exam.mjs'
import { breakSignature, newKey, seconds } from './lib/sd-jwt.mjs'

let attester, willing, unwilling

before(async () => {
  attester = await newAttester()
  const files = { 'attesters.pem': attester.trustAnchorPem, 'holders.json': JSON.stringify(HOLDERS) }
  willing = await serveLanyard({ extra: haipTenant('always:ada'), files })
  unwilling = await serveLanyard({ extra: haipTenant('never'), files })
  trusted.push(willing.caPem, unwilling.caPem)
})
after(async () => {
  await willing?.stop()
  await unwilling?.stop()
})

const newWallet = (name = 'one', server = willing) => AttestedWallet.of({ issuer: server.issuer, attester, ...WALLETS[name] })

describe('the metadata under HAIP', () => {
  test('is without fault, and says what the profile demands', async () => {
    const found = await discover(willing.issuer)
    const findings = examineMetadata(found)
    const { server, metadata } = found
    for (const configuration of Object.values(metadata.credential_configurations_supported)) {
      findings.expect(configuration.scope, 'a configuration has no scope')
    }
    findings.expect(metadata.nonce_endpoint, 'there is no nonce_endpoint')
    findings.equal(server.require_pushed_authorization_requests, true, 'require_pushed_authorization_requests')
    findings.expect(server.dpop_signing_alg_values_supported?.includes('ES256'), 'DPoP by ES256 is not offered')
    findings.expect(server.token_endpoint_auth_methods_supported.includes('attest_jwt_client_auth'), 'wallets are not attested')
    findings.none()
  })

  test('has a challenge endpoint whose answers nobody may store', async () => {
    const { server } = await discover(willing.issuer)
    const reply = await ask(server.challenge_endpoint, { method: 'POST' })
    assert.equal(reply.status, 200)
    assert.equal(contentType(reply), 'application/json')
    assert.match(reply.headers.get('cache-control'), /no-store/)
    assert.ok(entropyBits(reply.body.attestation_challenge) >= 96)
  })
})

describe('the whole way', () => {
  for (const name of ['one', 'two']) {
    test(`leads wallet ${name} from the push to its credential`, async () => {
      const wallet = await newWallet(name)
      const pushed = await wallet.push()
      assert.equal(pushed.status, 201, pushed.text)
      assert.equal(pushed.type, 'application/json')
      assert.match(pushed.headers.get('cache-control'), /no-store/)
      assert.ok(pushed.body.expires_in > 0 && pushed.body.expires_in <= 60)
      assert.ok(entropyBits(pushed.body.request_uri) >= 128)
      const { reply, location, parameters } = await wallet.authorize(pushed.body.request_uri)
      assert.ok([302, 303].includes(reply.status), `${reply.status} ${reply.text.slice(0, 300)}`)
      assert.ok(location.startsWith(wallet.redirectUri), location)
      assert.equal(parameters.state, wallet.state)
      assert.equal(parameters.iss, wallet.server.issuer)
      assert.ok(entropyBits(parameters.code) >= 128)
      if (name === 'two') assert.equal(parameters.dummy1, 'lorem')
      const token = await wallet.trade(parameters.code)
      assert.equal(token.status, 200, token.text)
      assert.equal(token.body.token_type.toLowerCase(), 'dpop')
      assert.match(token.headers.get('cache-control'), /no-store/)
      const { nonce } = await freshNonce(wallet)
      const proof = await keyProof({ key: await newKey(), issuer: wallet.issuer, nonce })
      const named = token.body.authorization_details?.[0]?.credential_identifiers?.[0]
      const wanted = named
        ? { credential_identifier: named }
        : { credential_configuration_id: Object.keys(wallet.metadata.credential_configurations_supported)[0] }
      const credential = await wallet.show(token.body.access_token, { ...wanted, proofs: { jwt: [proof] } })
      assert.equal(credential.status, 200, credential.text)
      assert.equal(credential.body.credentials.length, 1)
    })
  }

  test('takes authorization details in the place of a scope, and names the credential', async () => {
    const wallet = await newWallet()
    const [id] = Object.keys(wallet.metadata.credential_configurations_supported)
    const details = JSON.stringify([{ type: 'openid_credential', credential_configuration_id: id }])
    const { code } = await wallet.toCode({ scope: undefined, authorization_details: details })
    const { status, body, text } = await wallet.trade(code)
    assert.equal(status, 200, text)
    assert.equal(body.authorization_details[0].credential_configuration_id, id)
    assert.ok(body.authorization_details[0].credential_identifiers.length > 0)
  })

  test('says no state where none was sent, and the whole of a long one', async () => {
    const wallet = await newWallet()
    assert.equal((await wallet.toCode({ state: undefined })).state, undefined)
    const long = 'S'.repeat(128)
    assert.equal((await wallet.toCode({ state: long })).state, long)
  })

  test('ends with access_denied where the holder does not consent', async () => {
    const wallet = await newWallet('one', unwilling)
    const pushed = await wallet.push()
    const { parameters } = await wallet.authorize(pushed.body.request_uri)
    assert.equal(parameters.error, 'access_denied')
    assert.equal(parameters.state, wallet.state)
    assert.equal(parameters.iss, wallet.server.issuer)
    assert.equal(parameters.code, undefined)
  })
})

describe('the push', () => {
  const REFUSALS = {
    'without a code challenge': [{ code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    'with a plain code challenge': [{ code_challenge_method: 'plain' }, 'invalid_request'],
    'without a redirect URI': [{ redirect_uri: undefined }, ['invalid_request', 'invalid_redirect_uri']],
    'with a redirect URI that is not registered': [{ redirect_uri: 'https://elsewhere.example/' }, ['invalid_request', 'invalid_redirect_uri']],
    'with more than the registered redirect URI': [{ redirect_uri: `${WALLETS.one.redirectUri}?more=1` }, ['invalid_request', 'invalid_redirect_uri']],
    'for a code and an ID token': [{ response_type: 'code id_token' }, ['unsupported_response_type', 'invalid_request']],
    'for a token': [{ response_type: 'token' }, ['unsupported_response_type', 'invalid_request', 'unauthorized_client']],
    'with a request_uri in it': [{ request_uri: 'urn:ietf:params:oauth:request_uri:abc' }, 'invalid_request'],
    'for another client than the one attested': [{ client_id: WALLETS.two.clientId, redirect_uri: WALLETS.two.redirectUri }, ['invalid_request', 'invalid_client']],
    'bound to another key than the proof shows': [{ dpop_jkt: 'A'.repeat(43) }, ['invalid_request', 'invalid_dpop_proof']],
  }
  for (const [fault, [more, error]] of Object.entries(REFUSALS)) {
    test(`is refused ${fault}`, async () => {
      const reply = await (await newWallet()).push(more)
      examineError(reply, error, reply.status === 401 ? 401 : 400).none()
    })
  }

  test('is refused with a parameter that occurs twice', async () => {
    const wallet = await newWallet()
    const form = new URLSearchParams(wallet.request())
    form.append('state', 'another')
    examineError(await wallet.post(wallet.server.pushed_authorization_request_endpoint, form), 'invalid_request').none()
  })

  test('is refused by another method', async () => {
    const { server } = await newWallet()
    assert.equal((await ask(server.pushed_authorization_request_endpoint)).status, 405)
  })

  const ATTESTATION_ERRORS = ['invalid_request', 'invalid_client', 'invalid_client_attestation', 'use_fresh_attestation']
  const ATTESTATIONS = {
    'a broken signature of the attestation': async () => ({ finish: { attestation: breakSignature } }),
    'a broken signature of the proof beside it': async () => ({ finish: { pop: breakSignature } }),
    'an attestation that has expired': async () => ({ attestation: { claims: { exp: seconds(-300) } } }),
    'an attestation without sub': async () => ({ attestation: { claims: { sub: undefined } } }),
    'an attestation of another typ': async () => ({ attestation: { header: { typ: 'JWT' } } }),
    'an attestation of a provider that nobody knows': async () => ({ attestation: { header: { x5c: undefined } } }),
    'a proof for another server': async () => ({ pop: { aud: 'https://elsewhere.example' } }),
    'a proof of another key': async () => ({ popKey: await newKey() }),
    'a proof without jti': async () => ({ pop: { jti: undefined } }),
    'a challenge that nobody gave': async () => ({ pop: { challenge: 'of-nobody' } }),
  }
  for (const [fault, bend] of Object.entries(ATTESTATIONS)) {
    test(`is refused with ${fault}`, async () => {
      const wallet = await newWallet()
      const reply = await wallet.push({}, { bend: await bend() })
      const errors = [...ATTESTATION_ERRORS, ...(fault.startsWith('a challenge') ? ['use_attestation_challenge'] : [])]
      examineError(reply, errors, reply.status === 401 ? 401 : 400).none()
      assert.equal((await wallet.push()).status, 201)
    })
  }

  test('is refused without any attestation', async () => {
    const wallet = await newWallet()
    const reply = await ask(wallet.server.pushed_authorization_request_endpoint, { method: 'POST', form: wallet.request() })
    examineError(reply, ATTESTATION_ERRORS, reply.status === 401 ? 401 : 400).none()
  })
})

describe('the authorization endpoint', () => {
  const refused = ({ reply, parameters }) => {
    assert.equal(parameters.code, undefined)
    assert.ok(reply.status >= 400 || parameters.error, `${reply.status}`)
  }

  test('refuses a request that was not pushed', async () => {
    const wallet = await newWallet()
    refused(await wallet.authorize(undefined, { more: wallet.request() }))
  })

  test('refuses a request_uri that it did not give', async () => {
    refused(await (await newWallet()).authorize('urn:ietf:params:oauth:request_uri:nobody-gave-this'))
  })

  test('refuses the request_uri of another client', async () => {
    const wallet = await newWallet()
    const pushed = await wallet.push()
    refused(await wallet.authorize(pushed.body.request_uri, { clientId: WALLETS.two.clientId }))
  })

  test('gives one code for one request_uri', async () => {
    const wallet = await newWallet()
    const { requestUri } = await wallet.toCode()
    refused(await wallet.authorize(requestUri))
  })

  test('looks at nothing in the query but client_id and request_uri', async () => {
    const wallet = await newWallet()
    const pushed = await wallet.push()
    const { location, parameters } = await wallet.authorize(pushed.body.request_uri, {
      more: { state: 'of-the-query', redirect_uri: 'https://elsewhere.example/', scope: 'everything' },
    })
    if (parameters.code) {
      assert.ok(location.startsWith(wallet.redirectUri))
      assert.equal(parameters.state, wallet.state)
    } else {
      assert.ok(!location?.startsWith('https://elsewhere.example/'))
    }
  })
})

describe('the token endpoint', () => {
  const REFUSALS = {
    'without a code verifier': { more: { code_verifier: undefined } },
    'with another code verifier': { more: { code_verifier: 'V'.repeat(43) } },
    'with another redirect URI': { more: { redirect_uri: 'https://elsewhere.example/' } },
    'with a code that nobody gave': { more: { code: 'nobody-gave-this-code' } },
  }
  for (const [fault, options] of Object.entries(REFUSALS)) {
    test(`refuses a request ${fault}`, async () => {
      const wallet = await newWallet()
      const { code } = await wallet.toCode()
      examineError(await wallet.trade(code, options), ['invalid_grant', 'invalid_request']).none()
    })
  }

  test('refuses the code of another client', async () => {
    const [one, two] = [await newWallet('one'), await newWallet('two')]
    const { code } = await one.toCode()
    two.verifier = one.verifier
    const reply = await two.trade(code, { more: { redirect_uri: one.redirectUri } })
    examineError(reply, 'invalid_grant').none()
  })

  test('refuses a proof of another key than the one at the push', async () => {
    const wallet = await newWallet()
    const { code } = await wallet.toCode()
    examineError(await wallet.trade(code, { key: await newKey() }), ['invalid_grant', 'invalid_dpop_proof']).none()
  })

  test('refuses another key than dpop_jkt named', async () => {
    const wallet = await newWallet()
    const { calculateJwkThumbprint } = await import('jose')
    const { code } = await wallet.toCode({ dpop_jkt: await calculateJwkThumbprint(wallet.key.publicJwk) }, { key: null })
    examineError(await wallet.trade(code, { key: await newKey() }), ['invalid_grant', 'invalid_dpop_proof']).none()
  })

  test('refuses a request without a proof of possession', async () => {
    const wallet = await newWallet()
    const { code } = await wallet.toCode()
    examineError(await wallet.trade(code, { key: null }), ['invalid_request', 'invalid_grant', 'invalid_dpop_proof']).none()
  })

  test('refuses a client that does not authenticate', async () => {
    const wallet = await newWallet()
    const { code } = await wallet.toCode()
    const form = { grant_type: 'authorization_code', code, redirect_uri: wallet.redirectUri, code_verifier: wallet.verifier, client_id: wallet.clientId }
    const reply = await ask(wallet.server.token_endpoint, { method: 'POST', form })
    assert.ok([400, 401].includes(reply.status))
    assert.equal(reply.body.access_token, undefined)
  })

  test('takes a code once, and the second showing takes back what came of the first', async () => {
    const wallet = await newWallet()
    const { code } = await wallet.toCode()
    const token = await wallet.trade(code)
    assert.equal(token.status, 200, token.text)
    examineError(await wallet.trade(code), 'invalid_grant').none()
    const { nonce } = await freshNonce(wallet)
    const proof = await keyProof({ key: await newKey(), issuer: wallet.issuer, nonce })
    const [id] = Object.keys(wallet.metadata.credential_configurations_supported)
    const shown = await wallet.show(token.body.access_token, { credential_configuration_id: id, proofs: { jwt: [proof] } })
    assert.equal(shown.status, 401, shown.text)
  })

  test('gives one token to 24 who show one code at once', async () => {
    const wallet = await newWallet()
    const { code } = await wallet.toCode()
    await wallet.trade('nobody-gave-this-code')
    const replies = await Promise.all(Array.from({ length: 24 }, () => wallet.trade(code)))
    assert.equal(replies.filter(({ status }) => status === 200).length, 1)
  })
})

describe('a refresh token', () => {
  async function granted() {
    const wallet = await newWallet()
    const { code } = await wallet.toCode()
    const { body } = await wallet.trade(code)
    return { wallet, body }
  }

  test('gives another access token to the wallet that has it', async () => {
    const { wallet, body } = await granted()
    assert.ok(entropyBits(body.refresh_token) >= 128)
    const fresh = await wallet.refresh(body.refresh_token)
    assert.equal(fresh.status, 200, fresh.text)
    assert.notEqual(fresh.body.access_token, body.access_token)
  })

  // RFC 9449 §5, FAPI 2.0 §5.3.2.1: the attested instance holds it, with whatever key, and keeps it
  test('stays, and takes another key from the instance that holds it', async () => {
    const { wallet, body } = await granted()
    for (let round = 0; round < 2; round += 1) {
      const fresh = await wallet.refresh(body.refresh_token, { key: await newKey() })
      assert.equal(fresh.status, 200, fresh.text)
      assert.equal(fresh.body.refresh_token ?? body.refresh_token, body.refresh_token)
    }
  })

  test('is worth nothing without a proof of possession', async () => {
    const { wallet, body } = await granted()
    const reply = await wallet.refresh(body.refresh_token, { key: null })
    examineError(reply, ['invalid_request', 'invalid_grant', 'invalid_dpop_proof']).none()
  })

  test('is worth nothing to a client that does not authenticate', async () => {
    const { wallet, body } = await granted()
    const form = { grant_type: 'refresh_token', refresh_token: body.refresh_token, client_id: wallet.clientId }
    const reply = await ask(wallet.server.token_endpoint, { method: 'POST', form })
    assert.ok([400, 401].includes(reply.status))
  })

  test('is worth nothing to another instance of the wallet', async () => {
    const { wallet, body } = await granted()
    wallet.instance = await newKey()
    const reply = await wallet.refresh(body.refresh_token)
    assert.ok([400, 401].includes(reply.status), reply.text)
  })
})
