// An OpenID4VP 1.0 verifier on @openid4vc/openid4vp: request objects by GET and POST, plain and encrypted responses.
//
//   node openid4vc-verifier.mjs serve [--port N] --trust-anchor FILE…      (anchors of the credential issuers)
//
// Says `{ ready, trust_anchor_pem }` once it listens. Beside the protocol it has, for the scenarios:
//   POST /admin/requests { dcql_query, client_id_prefix, request_uri_method?, response_mode } -> { id, link }
//   GET  /admin/requests/:id -> { state, presentations?, error?, fetched_by?, sent: { nonce, audience, state, vp_token } }
import { createHash, randomUUID } from 'node:crypto'
import { Openid4vpVerifier } from '@openid4vc/openid4vp'
import { exportJWK, generateKeyPair } from 'jose'
import { describe, readPemFiles, run, say } from './lib/cli.mjs'
import { answers } from './lib/dcql.mjs'
import * as mdoc from './lib/mdoc-wallet.mjs'
import { callbacks } from './lib/openid4vc-callbacks.mjs'
import { newNonce, verify } from './lib/sd-jwt-vc.mjs'
import { form, listen } from './lib/server.mjs'
import { W3C } from './lib/w3c.mjs'
import { newSigner } from './lib/x509.mjs'

const REQUEST_OBJECT = 'application/oauth-authz-req+jwt'

await run({
  serve: {
    options: { port: { type: 'string', default: '0' }, 'trust-anchor': { type: 'string', multiple: true } },
    run: serve,
  },
})

async function serve({ port, 'trust-anchor': anchorFiles }) {
  const signer = await newSigner({ name: 'openid4vc-ts verifier', dns: ['localhost'] })
  const trustAnchors = readPemFiles(anchorFiles)
  const { base } = await listen(Number(port), (base) => routes(base, signer, trustAnchors))
  say({ ready: base, trust_anchor_pem: signer.trustAnchorPem })
}

function routes(base, signer, trustAnchors) {
  const sessions = new Map()
  const verifier = new Openid4vpVerifier({ callbacks: callbacks({ keys: [signer.privateJwk] }) })

  const clientId = {
    redirect_uri: ({ responseUri }) => `redirect_uri:${responseUri}`,
    x509_san_dns: () => 'x509_san_dns:localhost',
    x509_hash: () => {
      const leaf = Buffer.from(signer.x5c[0], 'base64')
      return `x509_hash:${createHash('sha256').update(leaf).digest('base64url')}`
    },
  }

  /** The request object, signed anew for each fetch: a wallet that POSTs gets its own nonce back. */
  async function requestObject(session, walletNonce) {
    const { jar } = await verifier.createOpenId4vpAuthorizationRequest({
      authorizationRequestPayload: { ...session.request, ...(walletNonce ? { wallet_nonce: walletNonce } : {}) },
      ...(walletNonce ? { wallet: { expectedNonce: walletNonce } } : {}),
      jar: jarOf(session),
    })
    return jar.authorizationRequestJwt
  }

  const jarOf = (session) => ({
    requestUri: `${base}/requests/${session.id}`,
    jwtSigner: { method: 'x5c', alg: 'ES256', x5c: signer.x5c },
    additionalJwtPayload: { aud: 'https://self-issued.me/v2' },
    expiresInSeconds: 300,
  })

  async function linkOf(session, method) {
    if (session.request.client_id.startsWith('redirect_uri:')) {
      const { authorizationRequest } = await verifier.createOpenId4vpAuthorizationRequest({
        authorizationRequestPayload: session.request,
      })
      return authorizationRequest
    }
    const { authorizationRequest } = await verifier.createOpenId4vpAuthorizationRequest({
      authorizationRequestPayload: session.request,
      jar: jarOf(session),
    })
    const link = new URL(authorizationRequest)
    if (method) link.searchParams.set('request_uri_method', method)
    return link.href
  }

  return {
    'POST /admin/requests': async ({ body }) => {
      const { dcql_query, client_id_prefix: prefix, request_uri_method, response_mode } = JSON.parse(body)
      const id = randomUUID()
      const responseUri = `${base}/responses/${id}`
      const session = { id, state: 'requested', keys: [] }
      session.request = {
        response_type: 'vp_token',
        client_id: clientId[prefix]({ responseUri }),
        response_uri: responseUri,
        response_mode,
        nonce: newNonce(),
        state: newNonce(),
        dcql_query,
        client_metadata: await clientMetadata(session, response_mode),
      }
      sessions.set(id, session)
      return { json: { id, link: await linkOf(session, request_uri_method) } }
    },
    'GET /admin/requests/:id': ({ parameters }) => {
      const { state, presentations, error, fetched_by, request, vp_token } = sessions.get(parameters.id)
      const sent = { nonce: request.nonce, audience: request.client_id, state: request.state, vp_token }
      return { json: { state, presentations, error, fetched_by, sent } }
    },
    'GET /requests/:id': async ({ parameters }) => {
      const session = sessions.get(parameters.id)
      session.fetched_by = 'get'
      return { text: await requestObject(session), headers: { 'content-type': REQUEST_OBJECT } }
    },
    'POST /requests/:id': async ({ parameters, body }) => {
      const session = sessions.get(parameters.id)
      const { wallet_nonce: walletNonce } = form(body)
      session.fetched_by = walletNonce ? 'post with wallet_nonce' : 'post'
      return { text: await requestObject(session, walletNonce), headers: { 'content-type': REQUEST_OBJECT } }
    },
    'POST /responses/:id': async ({ parameters, body }) => {
      const session = sessions.get(parameters.id)
      try {
        session.presentations = await conclude(session, form(body))
        session.state = 'verified'
        return { json: {} }
      } catch (error) {
        session.state = 'refused'
        session.error = describe(error)
        return { status: 400, json: { error: 'invalid_request', error_description: session.error } }
      }
    },
  }

  async function conclude(session, authorizationResponse) {
    if (authorizationResponse.error) throw new Error(`the wallet answered ${authorizationResponse.error}`)
    const parsed = await verifier.parseOpenid4vpAuthorizationResponse({
      authorizationResponse,
      authorizationRequestPayload: session.request,
      callbacks: callbacks({ keys: session.keys }),
    })
    const { nonce, client_id: audience, state, dcql_query: query, response_uri: responseUri } = session.request
    const formats = Object.fromEntries(query.credentials.map(({ id, format }) => [id, format]))
    if (parsed.authorizationResponsePayload.state !== state) throw new Error('the state is not the one sent')
    session.vp_token = parsed.dcql.presentations
    const presentations = {}
    for (const [id, list] of Object.entries(session.vp_token)) {
      presentations[id] = await Promise.all(
        list.map(async (credential) => {
          if (formats[id] === 'mso_mdoc') {
            const [key] = session.request.client_metadata.jwks?.keys ?? []
            const request = { clientId: audience, nonce, responseUri, key }
            const dcql = await mdoc.verify({ presentation: credential, trustAnchors, ...request })
            return { dcql, claims: dcql.namespaces }
          }
          const w3c = W3C[formats[id]]
          if (w3c) {
            const { document } = await w3c.verifyPresentation({ presentation: credential, nonce, audience })
            return { dcql: await w3c.asDcqlCredential(document), claims: document }
          }
          const { claims } = await verify({ presentation: credential, trustAnchors, nonce, audience })
          return { credential, claims }
        }),
      )
    }
    if (!answers(query, presentations)) throw new Error('the presentations do not answer the query')
    return Object.fromEntries(
      Object.entries(presentations).map(([id, list]) => [id, list.map(({ claims }) => claims)]),
    )
  }
}

async function clientMetadata(session, responseMode) {
  const formats = {
    'dc+sd-jwt': { 'sd-jwt_alg_values': ['ES256'], 'kb-jwt_alg_values': ['ES256'] },
    mso_mdoc: { issuerauth_alg_values: [-7, -9], deviceauth_alg_values: [-7, -9] },
    jwt_vc_json: { alg_values: ['ES256'] },
    ldp_vc: { proof_type_values: ['DataIntegrityProof'], cryptosuite_values: ['ecdsa-rdfc-2019'] },
  }
  if (responseMode !== 'direct_post.jwt') return { vp_formats_supported: formats }
  const { publicKey, privateKey } = await generateKeyPair('ECDH-ES', { crv: 'P-256', extractable: true })
  const members = { kid: session.id, alg: 'ECDH-ES', use: 'enc' }
  session.keys.push({ ...(await exportJWK(privateKey)), ...members })
  return {
    vp_formats_supported: formats,
    jwks: { keys: [{ ...(await exportJWK(publicKey)), ...members }] },
    encrypted_response_enc_values_supported: ['A128GCM', 'A256GCM'],
  }
}
