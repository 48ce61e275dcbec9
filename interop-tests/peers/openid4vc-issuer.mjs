// An OpenID4VCI 1.0 issuer on @openid4vc/*: pre-authorized code, tx_code, nonce endpoint, SD-JWT VC and mdoc signed with x5c,
// W3C credentials signed by a DID.
//
//   node openid4vc-issuer.mjs serve [--port N] [--awkward]
//
// Says `{ ready, issuer, trust_anchor_pem, dids, types }` once it listens. Beside the protocol it has, for the scenarios:
//   POST /admin/offers { configuration, tx_code?, by_reference? } -> { id, link, tx_code }
//   GET  /admin/offers/:id -> { state }
//
// With --awkward it does what issuers may do and wallets trip over: batches come in reverse order, the token response
// has no expires_in, and token_type is written in another case.
import { randomInt, randomUUID } from 'node:crypto'
import {
  Oauth2AuthorizationServer,
  Oauth2ResourceServer,
  Oauth2ServerErrorResponseError,
  SupportedAuthenticationScheme,
  preAuthorizedCodeGrantIdentifier,
} from '@openid4vc/oauth2'
import { Openid4vciIssuer } from '@openid4vc/openid4vci'
import { run, say } from './lib/cli.mjs'
import { TYPES, configurationOf, typeOf } from './lib/credentials.mjs'
import { callbacks } from './lib/openid4vc-callbacks.mjs'
import { newDocumentSigner } from './lib/mdoc.mjs'
import * as mdoc from './lib/mdoc-wallet.mjs'
import { issue, newNonce, publicPart } from './lib/sd-jwt-vc.mjs'
import { form, listen } from './lib/server.mjs'
import { W3C } from './lib/w3c.mjs'
import { newSigner } from './lib/x509.mjs'

const NO_STORE = { 'cache-control': 'no-store' }
const OFFER_LIFETIME = 10 * 60 * 1000
const YEAR = 365 * 24 * 60 * 60

const didOf = (didUrl) => didUrl.split('#')[0]

const OPTIONS = { port: { type: 'string', default: '0' }, awkward: { type: 'boolean', default: false } }

await run({ serve: { options: OPTIONS, run: serve } })

async function serve({ port, awkward }) {
  const signer = await newSigner({ name: 'openid4vc-ts issuer', dns: ['localhost'] })
  const documentSigner = await newDocumentSigner({ name: 'openid4vc-ts issuer' })
  const { base } = await listen(Number(port), (base) => routes(base, signer, documentSigner, awkward))
  say({
    ready: base,
    issuer: `${base}/issuer`,
    trust_anchor_pem: `${signer.trustAnchorPem}\n${documentSigner.trustAnchorPem}`,
    dids: await Promise.all(Object.values(W3C).map(async ({ didUrlOf }) => didOf(await didUrlOf(signer.privateJwk)))),
    types: TYPES.map(({ configurationId, vct, claims }) => ({ configuration: configurationId, vct, claims })),
  })
}

function routes(base, signer, documentSigner, awkward) {
  const identifier = `${base}/issuer`
  const shared = callbacks({ keys: [signer.privateJwk], trustAnchors: [signer.trustAnchorPem] })
  const issuer = new Openid4vciIssuer({ callbacks: shared })
  const authorizationServer = new Oauth2AuthorizationServer({ callbacks: shared })
  const resourceServer = new Oauth2ResourceServer({ callbacks: shared })
  const offers = new Map()
  const offersByCode = new Map()
  const nonces = new Set()

  const authorizationServerMetadata = authorizationServer.createAuthorizationServerMetadata({
    issuer: identifier,
    token_endpoint: `${identifier}/token`,
    jwks_uri: `${identifier}/jwks`,
    grant_types_supported: [preAuthorizedCodeGrantIdentifier],
    'pre-authorized_grant_anonymous_access_supported': true,
  })
  const credentialIssuer = issuer.createCredentialIssuerMetadata({
    credential_issuer: identifier,
    credential_endpoint: `${identifier}/credential`,
    nonce_endpoint: `${identifier}/nonce`,
    batch_credential_issuance: { batch_size: 4 },
    display: [{ name: 'openid4vc-ts issuer', locale: 'en' }],
    credential_configurations_supported: Object.fromEntries(
      TYPES.map((type) => [type.configurationId, configurationOf(type)]),
    ),
  })
  const issuerMetadata = {
    credentialIssuer,
    authorizationServers: [authorizationServerMetadata],
    knownCredentialConfigurations: credentialIssuer.credential_configurations_supported,
    originalDraftVersion: 'V1',
  }

  return {
    'GET /.well-known/openid-credential-issuer/issuer': () => ({ json: credentialIssuer }),
    'GET /.well-known/oauth-authorization-server/issuer': () => ({ json: authorizationServerMetadata }),
    'GET /issuer/jwks': () => ({ json: { keys: [{ ...publicPart(signer.privateJwk), use: 'sig', alg: 'ES256' }] } }),
    'GET /issuer/offers/:id': ({ parameters }) => ({ json: offers.get(parameters.id).object, headers: NO_STORE }),

    'POST /issuer/nonce': () => {
      const nonce = newNonce()
      nonces.add(nonce)
      return { json: issuer.createNonceResponse({ cNonce: nonce }), headers: NO_STORE }
    },

    'POST /issuer/token': ({ headers, url, body }) =>
      orProtocolError(async () => {
        const request = { headers, method: 'POST', url: url.href }
        const { accessTokenRequest, grant } = authorizationServer.parseAccessTokenRequest({
          request,
          accessTokenRequest: form(body),
        })
        const offer = offersByCode.get(grant.preAuthorizedCode)
        if (!offer || offer.state !== 'offered') {
          throw new Oauth2ServerErrorResponseError({ error: 'invalid_grant', error_description: 'no such code' })
        }
        await authorizationServer.verifyPreAuthorizedCodeAccessTokenRequest({
          authorizationServerMetadata,
          accessTokenRequest,
          grant,
          request,
          expectedPreAuthorizedCode: offer.code,
          expectedTxCode: offer.txCode,
          preAuthorizedCodeExpiresAt: offer.expiresAt,
        })
        offer.state = 'authorized'
        const json = await authorizationServer.createAccessTokenResponse({
          audience: identifier,
          authorizationServer: identifier,
          signer: { method: 'jwk', alg: 'ES256', publicJwk: publicPart(signer.privateJwk) },
          subject: offer.id,
          expiresInSeconds: 300,
          tokenType: 'Bearer',
        })
        if (awkward) {
          delete json.expires_in
          json.token_type = 'bEARER'
        }
        return { json, headers: NO_STORE }
      }),

    'POST /issuer/credential': ({ headers, url, body }) =>
      orProtocolError(async () => {
        const { tokenPayload } = await resourceServer.verifyResourceRequest({
          authorizationServers: [authorizationServerMetadata],
          request: { headers, method: 'POST', url: url.href },
          resourceServer: identifier,
          allowedAuthenticationSchemes: [SupportedAuthenticationScheme.Bearer],
        })
        const offer = offers.get(tokenPayload.sub)
        const parsed = issuer.parseCredentialRequest({ issuerMetadata, credentialRequest: JSON.parse(body) })
        if (parsed.credentialConfigurationId !== offer.configuration) {
          throw new Oauth2ServerErrorResponseError({ error: 'unknown_credential_configuration' })
        }
        if (!parsed.proofs?.jwt) throw new Oauth2ServerErrorResponseError({ error: 'invalid_proof' })
        const holders = []
        for (const jwt of parsed.proofs.jwt) holders.push(await verifyProof(jwt))
        offer.state = 'issued'
        const credentials = await Promise.all(holders.map((holder) => newCredential(offer, holder)))
        if (awkward) credentials.reverse()
        const credentialResponse = issuer.createCredentialResponse({
          credentialRequest: parsed,
          credentials: credentials.map((credential) => ({ credential })),
        })
        return { json: credentialResponse, headers: NO_STORE }
      }),

    'POST /admin/offers': async ({ body }) => {
      const { configuration, tx_code: withTxCode = false, by_reference: byReference = false } = JSON.parse(body)
      const offer = {
        id: randomUUID(),
        configuration,
        code: newNonce(),
        txCode: withTxCode ? String(randomInt(0, 10_000)).padStart(4, '0') : undefined,
        state: 'offered',
        expiresAt: new Date(Date.now() + OFFER_LIFETIME),
      }
      const { credentialOffer, credentialOfferObject } = await issuer.createCredentialOffer({
        issuerMetadata,
        credentialConfigurationIds: [configuration],
        grants: {
          [preAuthorizedCodeGrantIdentifier]: {
            'pre-authorized_code': offer.code,
            ...(withTxCode ? { tx_code: { input_mode: 'numeric', length: 4 } } : {}),
          },
        },
        ...(byReference ? { credentialOfferUri: `${identifier}/offers/${offer.id}` } : {}),
      })
      offer.object = credentialOfferObject
      offers.set(offer.id, offer)
      offersByCode.set(offer.code, offer)
      return { json: { id: offer.id, link: credentialOffer, tx_code: offer.txCode } }
    },
    'GET /admin/offers/:id': ({ parameters }) => ({ json: { state: offers.get(parameters.id).state } }),
  }

  async function verifyProof(jwt) {
    const claims = JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'))
    if (!nonces.has(claims.nonce)) throw new Oauth2ServerErrorResponseError({ error: 'invalid_nonce' })
    const { signer: proofSigner } = await issuer.verifyCredentialRequestJwtProof({
      issuerMetadata,
      jwt,
      expectedNonce: claims.nonce,
    })
    return proofSigner
  }

  async function newCredential(offer, holder) {
    const type = typeOf(offer.configuration)
    if (W3C[type.format]) {
      if (holder.method !== 'did') throw new Oauth2ServerErrorResponseError({ error: 'invalid_proof' })
      return W3C[type.format].issue({ type, issuerJwk: signer.privateJwk, holder: didOf(holder.didUrl) })
    }
    if (type.format === 'mso_mdoc') {
      const { privateJwk, x5c } = documentSigner
      const { doctype, claims: namespaces } = type
      return mdoc.issue({ doctype, namespaces, privateJwk, x5c, deviceJwk: publicPart(holder.publicJwk) })
    }
    const { vct, claims, disclosureFrame } = type
    const now = Math.floor(Date.now() / 1000)
    return issue({
      claims: { iss: identifier, vct, iat: now, exp: now + YEAR, ...claims },
      disclosureFrame,
      privateJwk: signer.privateJwk,
      x5c: signer.x5c,
      holderJwk: holder.publicJwk,
    })
  }
}

/** The protocol's own error body for what the library refuses; everything else is a fault of this peer. */
async function orProtocolError(step) {
  try {
    return await step()
  } catch (error) {
    if (error instanceof Oauth2ServerErrorResponseError) {
      return { status: error.status ?? 400, json: error.errorResponse, headers: NO_STORE }
    }
    if (error.wwwAuthenticateHeaders) return { status: 401, json: { error: 'invalid_token' } }
    throw error
  }
}
