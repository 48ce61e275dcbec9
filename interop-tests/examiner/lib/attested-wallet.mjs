// The examiner as an attested wallet in the authorization code flow (HAIP 1.0 §4, RFC 9126, RFC 7636, RFC 9449).
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { newSigner } from '../../peers/lib/x509.mjs'
import { ask, discover, dpop } from './issuer-exam.mjs'
import { base64url, newKey, seconds, signJwt } from './sd-jwt.mjs'

const random = (bytes) => base64url(randomBytes(bytes))
export const challengeOf = (verifier) => createHash('sha256').update(verifier).digest('base64url')

/** Who attests wallets: `{ trustAnchorPem, attest(…) }`. */
export async function newAttester() {
  const signer = await newSigner({ name: 'Examiner wallet provider' })
  return {
    trustAnchorPem: signer.trustAnchorPem,
    /** A client attestation; `claims` and `header` may take members away by undefined. */
    attest: ({ clientId, key, header = {}, claims = {} }) =>
      signJwt(
        { typ: 'oauth-client-attestation+jwt', x5c: signer.x5c, ...header },
        {
          iss: 'https://wallet-provider.example',
          sub: clientId,
          iat: seconds(),
          nbf: seconds(-10),
          exp: seconds(300),
          cnf: { jwk: key.publicJwk },
          ...claims,
        },
        signer.privateJwk,
      ),
  }
}

/** A wallet with keys of its own; every step may be bent. */
export class AttestedWallet {
  static async of({ issuer, attester, clientId, redirectUri }) {
    const wallet = new AttestedWallet()
    Object.assign(wallet, { attester, clientId, redirectUri, instance: await newKey(), key: await newKey() })
    Object.assign(wallet, await discover(issuer))
    return wallet
  }

  /** Both attestation headers, with a fresh challenge where there is an endpoint for it. */
  async attestation({ attestation = {}, pop = {}, popKey = this.instance, finish = {} } = {}) {
    const { clientId, instance, server } = this
    const challenge = server.challenge_endpoint
      ? (await ask(server.challenge_endpoint, { method: 'POST' })).body.attestation_challenge
      : undefined
    const claims = { iss: clientId, aud: server.issuer, jti: randomUUID(), iat: seconds(), challenge, ...pop }
    const attested = await this.attester.attest({ clientId, key: instance, ...attestation })
    const shown = await signJwt({ typ: 'oauth-client-attestation-pop+jwt' }, claims, popKey.privateJwk)
    return {
      'OAuth-Client-Attestation': finish.attestation ? finish.attestation(attested) : attested,
      'OAuth-Client-Attestation-PoP': finish.pop ? finish.pop(shown) : shown,
    }
  }

  /** A POST as the attested client, with a DPoP proof where a key is named; one more try with the server's nonce. */
  async post(url, form, { bend, key = this.key, proof = {}, headers = {} } = {}) {
    for (let round = 0; ; round += 1) {
      const attested = await this.attestation(bend)
      const shown = key ? { DPoP: await dpop({ key, url, nonce: this.nonce, ...proof }) } : {}
      const reply = await ask(url, { method: 'POST', form, headers: { ...attested, ...shown, ...headers } })
      this.nonce = reply.headers.get('dpop-nonce') ?? this.nonce
      if (reply.body?.error !== 'use_dpop_nonce' || round === 2) return reply
    }
  }

  /** What is pushed; members set to undefined are left out. */
  request(more = {}) {
    this.verifier = random(32)
    this.state = random(16)
    const parameters = {
      response_type: 'code',
      client_id: this.clientId,
      redirect_uri: this.redirectUri,
      scope: Object.values(this.metadata.credential_configurations_supported)[0].scope,
      state: this.state,
      code_challenge: challengeOf(this.verifier),
      code_challenge_method: 'S256',
      unknown_parameter: 'to be ignored',
      ...more,
    }
    return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined))
  }

  push(more, options) {
    return this.post(this.server.pushed_authorization_request_endpoint, this.request(more), options)
  }

  /** Where the browser ends: `{ reply, parameters }`; only client_id and request_uri are sent. */
  async authorize(requestUri, { clientId = this.clientId, more = {} } = {}) {
    const place = new URL(this.server.authorization_endpoint)
    for (const [name, value] of Object.entries({ client_id: clientId, request_uri: requestUri, ...more })) {
      if (value !== undefined) place.searchParams.set(name, value)
    }
    const reply = await ask(place)
    const location = reply.headers.get('location')
    return { reply, location, parameters: location ? Object.fromEntries(new URL(location).searchParams) : {} }
  }

  trade(code, { more = {}, ...options } = {}) {
    const form = {
      grant_type: 'authorization_code',
      client_id: this.clientId,
      code,
      redirect_uri: this.redirectUri,
      code_verifier: this.verifier,
      ...more,
    }
    const kept = Object.entries(form).filter(([, value]) => value !== undefined)
    return this.post(this.server.token_endpoint, Object.fromEntries(kept), options)
  }

  refresh(token, options) {
    const form = { grant_type: 'refresh_token', client_id: this.clientId, refresh_token: token }
    return this.post(this.server.token_endpoint, form, options)
  }

  /** From nothing to a code. */
  async toCode(more, options) {
    const pushed = await this.push(more, options)
    if (pushed.status !== 201) throw new Error(`PAR answered ${pushed.status}: ${pushed.text}`)
    const { parameters } = await this.authorize(pushed.body.request_uri)
    if (!parameters.code) throw new Error(`there is no code: ${JSON.stringify(parameters)}`)
    return { ...parameters, requestUri: pushed.body.request_uri }
  }

  /** Shows a token at the credential endpoint, with a proof of possession. */
  async show(accessToken, json, { key = this.key } = {}) {
    const url = this.metadata.credential_endpoint
    for (let round = 0; ; round += 1) {
      const proof = await dpop({ key, url, accessToken, nonce: this.resourceNonce })
      const headers = { authorization: `DPoP ${accessToken}`, DPoP: proof }
      const reply = await ask(url, { method: 'POST', json, headers })
      this.resourceNonce = reply.headers.get('dpop-nonce') ?? this.resourceNonce
      if (!/use_dpop_nonce/.test(reply.headers.get('www-authenticate') ?? '') || round === 2) return reply
    }
  }
}
