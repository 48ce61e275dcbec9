// A wallet on @openid4vc/*: takes one credential from an offer, answers one presentation request.
//
//   node openid4vc-wallet.mjs accept LINK --home DIR [--tx-code N] [--trust-anchor FILE]… [--copies N] [--encrypt]
//                                    [--library-deferred]
//   node openid4vc-wallet.mjs begin LINK --home DIR --client-id ID --redirect-uri URI          (where to log in)
//   node openid4vc-wallet.mjs finish REDIRECT --home DIR [--trust-anchor FILE]… [--encrypt]   (what the browser brought)
//   node openid4vc-wallet.mjs present LINK --home DIR [--trust-anchor FILE]… [--library-post] [--nonce N] [--audience A]
//   node openid4vc-wallet.mjs platform --home DIR [--trust-anchor FILE]…   (Digital Credentials API: request on stdin)
//   node openid4vc-wallet.mjs mint --home DIR                       (an mdoc of an authority of its own)
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { clientAuthenticationNone } from '@openid4vc/oauth2'
import { generateKeyPair, exportJWK } from 'jose'
import { getOpenid4vpClientId, Openid4vpClient } from '@openid4vc/openid4vp'
import { Openid4vciClient } from '@openid4vc/openid4vci'
import { describe, readStdin, run, readPemFiles, WalletFile } from './lib/cli.mjs'
import * as annexC from './lib/annex-c.mjs'
import { choose } from './lib/dcql.mjs'
import * as mdoc from './lib/mdoc-wallet.mjs'
import { callbacks } from './lib/openid4vc-callbacks.mjs'
import { encryptingFetch } from './lib/openid4vci-encryption.mjs'
import { claimsOf, frameOf, newNonce, present, publicPart, verify } from './lib/sd-jwt-vc.mjs'
import { W3C } from './lib/w3c.mjs'

const common = {
  home: { type: 'string' },
  'trust-anchor': { type: 'string', multiple: true },
}

await run({
  accept: {
    options: {
      ...common,
      'tx-code': { type: 'string' },
      copies: { type: 'string', default: '1' },
      alg: { type: 'string', default: 'ES256' },
      encrypt: { type: 'boolean' },
      'library-deferred': { type: 'boolean' },
    },
    run: (options, [link]) => accept(link, options),
  },
  begin: {
    options: { ...common, 'client-id': { type: 'string' }, 'redirect-uri': { type: 'string' } },
    run: (options, [link]) => begin(link, options),
  },
  finish: {
    options: { ...common, encrypt: { type: 'boolean' } },
    run: (options, [redirect]) => finish(redirect, options),
  },
  mint: { options: common, run: mint },
  platform: { options: common, run: answerPlatform },
  present: {
    options: { ...common, 'library-post': { type: 'boolean' }, nonce: { type: 'string' }, audience: { type: 'string' } },
    run: (options, [link]) => answer(link, options),
  },
})

async function accept(link, { home, 'tx-code': txCode, 'trust-anchor': anchorFiles, copies, alg, encrypt, 'library-deferred': libraryDeferred }) {
  const trustAnchors = readPemFiles(anchorFiles)
  const keys = await Promise.all(Array.from({ length: Number(copies) }, () => newKey(alg)))
  const client = new Openid4vciClient({ callbacks: callbacks({ keys, trustAnchors }) })

  const credentialOffer = await client.resolveCredentialOffer(link)
  const issuerMetadata = await client.resolveIssuerMetadata(credentialOffer.credential_issuer)
  const { accessTokenResponse } = await client.retrievePreAuthorizedCodeAccessTokenFromOffer({
    credentialOffer,
    issuerMetadata,
    txCode,
  })
  const accessToken = accessTokenResponse.access_token
  const access = { accessToken, encrypt, libraryDeferred }
  return receive({ client, credentialOffer, issuerMetadata, keys, alg, home, trustAnchors, ...access })
}

/** To where the holder logs in; what is needed afterwards stays in the home. */
async function begin(link, { home, 'client-id': clientId, 'redirect-uri': redirectUri }) {
  const tokenKey = await newKey('ES256')
  const { client, dpop } = loginClient(tokenKey, clientId)
  const credentialOffer = await client.resolveCredentialOffer(link)
  const issuerMetadata = await client.resolveIssuerMetadata(credentialOffer.credential_issuer)
  const [id] = credentialOffer.credential_configuration_ids
  const { scope } = issuerMetadata.credentialIssuer.credential_configurations_supported[id]
  const begun = await client.createAuthorizationRequestUrlFromOffer({
    credentialOffer,
    issuerMetadata,
    clientId,
    redirectUri,
    scope,
    state: newNonce(),
    additionalRequestPayload: { resource: credentialOffer.credential_issuer },
    dpop,
  })
  const kept = { credentialOffer, clientId, redirectUri, tokenKey, codeVerifier: begun.pkce?.codeVerifier }
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'login.json'), JSON.stringify(kept))
  return { url: begun.authorizationRequestUrl, authorization_server: begun.authorizationServer }
}

async function finish(redirect, { home, 'trust-anchor': anchorFiles, encrypt }) {
  const trustAnchors = readPemFiles(anchorFiles)
  const { credentialOffer, clientId, redirectUri, tokenKey, codeVerifier } = JSON.parse(
    readFileSync(join(home, 'login.json'), 'utf8'),
  )
  const alg = 'ES256'
  const keys = [await newKey(alg)]
  const { client, dpop } = loginClient(tokenKey, clientId, { keys, trustAnchors })
  const issuerMetadata = await client.resolveIssuerMetadata(credentialOffer.credential_issuer)
  const { accessTokenResponse, dpop: bound } = await client.retrieveAuthorizationCodeAccessTokenFromOffer({
    credentialOffer,
    issuerMetadata,
    authorizationCode: new URL(redirect).searchParams.get('code'),
    pkceCodeVerifier: codeVerifier,
    redirectUri,
    dpop,
  })
  const accessToken = accessTokenResponse.access_token
  const access = { accessToken, dpop: bound, encrypt }
  const received = await receive({ client, credentialOffer, issuerMetadata, keys, alg, home, trustAnchors, ...access })
  return { ...received, token_type: accessTokenResponse.token_type }
}

/** A client that has a name, and binds its tokens to a key. */
function loginClient(tokenKey, clientId, { keys = [], trustAnchors = [] } = {}) {
  const client = new Openid4vciClient({
    callbacks: {
      ...callbacks({ keys: [...keys, tokenKey], trustAnchors }),
      clientAuthentication: clientAuthenticationNone({ clientId }),
    },
  })
  return { client, dpop: { signer: { method: 'jwk', alg: 'ES256', publicJwk: publicPart(tokenKey) } } }
}

/** The credential of an offer, with its access token. */
async function receive({ client, credentialOffer, issuerMetadata, accessToken, dpop, keys, alg, home, trustAnchors, encrypt, libraryDeferred }) {
  const how = client.options.callbacks
  if (encrypt) how.fetch = await encryptingFetch(issuerMetadata)
  if (!libraryDeferred) how.fetch = unnotified(issuerMetadata.credentialIssuer.deferred_credential_endpoint, how.fetch)
  const [credentialConfigurationId] = credentialOffer.credential_configuration_ids
  const { format } = issuerMetadata.credentialIssuer.credential_configurations_supported[credentialConfigurationId]
  const signers = await Promise.all(keys.map((key) => proofSigner(format, key, alg)))
  const { credentialResponse } = await withAnotherNonce(async () => {
    const { c_nonce: nonce } = await client.requestNonce({ issuerMetadata })
    const proofs = await Promise.all(
      signers.map((signer) =>
        client.createCredentialRequestJwtProof({
          issuerMetadata,
          credentialConfigurationId,
          nonce,
          issuedAt: new Date(),
          signer,
        }),
      ),
    )
    return client.retrieveCredentials({
      accessToken,
      dpop,
      credentialConfigurationId,
      issuerMetadata,
      proofs: { jwt: proofs.map(({ jwt }) => jwt) },
    })
  })

  const { credentials, deferred } = await collected(client, { issuerMetadata, accessToken, dpop }, credentialResponse)
  const wallet = new WalletFile(home)
  const received = []
  for (const { credential } of credentials) {
    const { claims, isBoundTo } = await verified(format, credential, trustAnchors)
    const key = keys.find((_, index) => isBoundTo(signers[index]))
    if (!key) throw new Error('a credential is bound to a key that is not ours')
    wallet.add(credential, key, format)
    received.push({ credential, claims })
  }
  return {
    issuer: credentialOffer.credential_issuer,
    configuration: credentialConfigurationId,
    credentials: received,
    deferred,
  }
}

/** Quirk openid4vc-deferred-notification: the library takes no deferred credential that comes with a `notification_id`. */
function unnotified(place, ask) {
  return async (url, options) => {
    const reply = await ask(url, options)
    if (String(url) !== place || !reply.ok) return reply
    const { notification_id: _, ...rest } = await reply.json()
    return Response.json(rest, { status: reply.status })
  }
}

/** What was put off is asked for until it is there (OID4VCI §9.2). */
async function collected(client, access, { credentials, transaction_id: transactionId, interval }) {
  if (credentials) return { credentials, deferred: false }
  await sleep(interval * 1000)
  const { deferredCredentialResponse } = await client.retrieveDeferredCredentials({ ...access, transactionId })
  return { ...(await collected(client, access, { interval, ...deferredCredentialResponse })), deferred: true }
}

/** W3C credentials are about a DID, so the key is shown by it. */
async function proofSigner(format, key, alg) {
  const publicJwk = publicPart(key)
  if (!W3C[format]) return { method: 'jwk', alg, publicJwk }
  return { method: 'did', alg, didUrl: await W3C[format].didUrlOf(publicJwk) }
}

/** What a credential says once it is verified, and whether it belongs to the key of a proof. */
async function verified(format, credential, trustAnchors) {
  if (W3C[format]) {
    const { document: claims, holder } = await W3C[format].verify(credential)
    return { claims, isBoundTo: ({ didUrl }) => didUrl.startsWith(`${holder}#`) }
  }
  if (format === 'mso_mdoc') {
    const { claims, deviceJwk } = await mdoc.verifyIssued({ credential, trustAnchors })
    return { claims, isBoundTo: ({ publicJwk }) => publicJwk.x === deviceJwk.x }
  }
  const { claims } = await verify({ presentation: credential, trustAnchors })
  return { claims, isBoundTo: ({ publicJwk }) => publicJwk.x === claims.cnf.jwk.x }
}

/** OID4VCI §8.3.1.2: an issuer may refuse a nonce; the library leaves it to the wallet to ask again. */
async function withAnotherNonce(ask, tries = 5) {
  try {
    return await ask()
  } catch (error) {
    if (tries === 1 || !describe(error).includes('invalid_nonce')) throw error
    return withAnotherNonce(ask, tries - 1)
  }
}

async function mint({ home }) {
  const key = await newKey('ES256')
  const { credential, trustAnchorPem } = await mdoc.mint(publicPart(key))
  new WalletFile(home).add(credential, key, 'mso_mdoc')
  return { trust_anchor_pem: trustAnchorPem }
}

async function newKey(alg) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  return exportJWK(privateKey)
}

async function answer(link, { home, 'trust-anchor': anchorFiles, 'library-post': libraryPost, ...wrong }) {
  const client = new Openid4vpClient({ callbacks: callbacks({ trustAnchors: readPemFiles(anchorFiles) }) })
  const fromLink = Object.fromEntries(new URL(link).searchParams)
  const parameters = client.parseOpenid4vpAuthorizationRequest({ authorizationRequest: link }).params
  const byPost = fromLink.request_uri_method === 'post' && !libraryPost
  const resolved = byPost
    ? await fetchByPost(client, parameters)
    : await client.resolveOpenId4vpAuthorizationRequest({ authorizationRequestPayload: parameters })
  const { authorizationRequestPayload } = resolved

  const vpToken = await presentations(authorizationRequestPayload, new WalletFile(home), { wrong })
  const encrypted = authorizationRequestPayload.response_mode === 'direct_post.jwt'
  const response = await client.createOpenid4vpAuthorizationResponse({
    authorizationRequestPayload,
    authorizationResponsePayload: { vp_token: vpToken },
    ...(encrypted ? { jarm: jarm(authorizationRequestPayload) } : {}),
  })
  const { response: reply } = await client.submitOpenid4vpAuthorizationResponse({
    authorizationRequestPayload,
    authorizationResponsePayload: response.authorizationResponsePayload,
    jarm: response.jarm,
  })
  const body = await reply.text()
  if (!reply.ok) throw new Error(`the verifier answered ${reply.status}: ${body}`)
  return {
    verifier: resolved.client,
    presented: Object.keys(vpToken),
    response_mode: authorizationRequestPayload.response_mode,
    wallet_nonce_echoed: byPost ? authorizationRequestPayload.wallet_nonce !== undefined : undefined,
    reply: JSON.parse(body || '{}'),
  }
}

/** As the platform hands it over, `{ protocol, data, origin }`, and as it takes the answer, `{ protocol, data }`. */
async function answerPlatform({ home, 'trust-anchor': anchorFiles }) {
  const { protocol, data, origin } = readStdin()
  if (protocol === 'org-iso-mdoc') return { protocol, data: await annexC.answer(data, origin, new WalletFile(home)) }
  const client = new Openid4vpClient({ callbacks: callbacks({ trustAnchors: readPemFiles(anchorFiles) }) })
  const resolved = await client.resolveOpenId4vpAuthorizationRequest({ authorizationRequestPayload: data, origin })
  const { authorizationRequestPayload } = resolved
  const vpToken = await presentations(authorizationRequestPayload, new WalletFile(home), { origin })
  const encrypted = authorizationRequestPayload.response_mode === 'dc_api.jwt'
  const response = await client.createOpenid4vpAuthorizationResponse({
    authorizationRequestPayload,
    authorizationResponsePayload: { vp_token: vpToken },
    origin,
    ...(encrypted ? { jarm: jarm(authorizationRequestPayload) } : {}),
  })
  return {
    protocol,
    verifier: resolved.client,
    data: encrypted ? { response: response.jarm.responseJwt } : { vp_token: vpToken },
  }
}

// Quirk openid4vc-ts-request-uri-post: the library POSTs its wallet metadata flattened into the form and no
// wallet_nonce, where OpenID4VP 1.0 §5.10 names the form fields wallet_metadata and wallet_nonce. So this peer
// fetches as the specification says, and lets the library verify what came and the nonce that it must echo.
async function fetchByPost(client, { request_uri: requestUri, request_uri_method: _, ...rest }) {
  const walletNonce = newNonce()
  const metadata = {
    vp_formats_supported: {
      'dc+sd-jwt': { 'sd-jwt_alg_values': ['ES256'], 'kb-jwt_alg_values': ['ES256'] },
      mso_mdoc: { issuerauth_alg_values: [-7, -9], deviceauth_alg_values: [-7, -9] },
      jwt_vc_json: { alg_values: ['ES256'] },
      ldp_vc: { proof_type_values: ['DataIntegrityProof'], cryptosuite_values: ['ecdsa-rdfc-2019'] },
    },
    client_id_prefixes_supported: ['redirect_uri', 'x509_san_dns', 'x509_hash'],
    request_object_signing_alg_values_supported: ['ES256'],
  }
  const reply = await fetch(requestUri, {
    method: 'POST',
    headers: { accept: 'application/oauth-authz-req+jwt' },
    body: new URLSearchParams({ wallet_metadata: JSON.stringify(metadata), wallet_nonce: walletNonce }),
    redirect: 'error',
  })
  const contentType = reply.headers.get('content-type')
  if (!reply.ok) throw new Error(`the request_uri answered ${reply.status}: ${await reply.text()}`)
  if (!contentType?.startsWith('application/oauth-authz-req+jwt')) throw new Error(`unexpected type ${contentType}`)
  return client.resolveOpenId4vpAuthorizationRequest({
    authorizationRequestPayload: { ...rest, request: await reply.text() },
    wallet: { expectedNonce: walletNonce },
  })
}

/** `wrong` has a nonce or an audience that was not asked for. */
async function presentations(request, wallet, { origin, wrong = {} }) {
  const held = await Promise.all(wallet.credentials.map(asHeld))
  const { effectiveClientId } = getOpenid4vpClientId({
    clientId: request.client_id,
    responseMode: request.response_mode,
    origin,
  })
  // OpenID4VP 1.0 Appendix A.4: the origin is the audience, for signed requests too
  const { nonce = request.nonce, audience = origin ? `origin:${origin}` : effectiveClientId } = wrong
  const vpToken = {}
  for (const { id, index, paths } of choose(request.dcql_query, held)) {
    const { credential, claims, privateJwk, format } = held[index]
    vpToken[id] ??= []
    if (format === 'mso_mdoc') {
      vpToken[id].push(
        await mdoc.present({
          credential,
          elements: paths,
          privateJwk,
          clientId: effectiveClientId,
          nonce,
          responseUri: request.response_uri,
          origin,
          key: /\.jwt$/.test(request.response_mode) ? request.client_metadata.jwks.keys[0] : undefined,
        }),
      )
      continue
    }
    if (W3C[format]) {
      // OpenID4VP 1.0 App. B.1: whole, and bound to the nonce and to whom it is for
      vpToken[id].push(await W3C[format].present({ credential, privateJwk, nonce, audience }))
      continue
    }
    vpToken[id].push(
      await present({
        credential,
        frame: frameOf(paths, claims),
        nonce,
        audience,
        holderPrivateJwk: privateJwk,
      }),
    )
  }
  return vpToken
}

async function asHeld(entry) {
  const { format, credential } = entry
  if (format === 'mso_mdoc') return { ...entry, dcql: mdoc.asDcqlCredential(credential) }
  if (!W3C[format]) return { ...entry, claims: await claimsOf(credential) }
  const { document } = await W3C[format].verify(credential)
  return { ...entry, dcql: await W3C[format].asDcqlCredential(document) }
}

function jarm(request) {
  return {
    encryption: { nonce: newNonce() },
    serverMetadata: {
      authorization_signing_alg_values_supported: [],
      authorization_encryption_alg_values_supported: ['ECDH-ES'],
      authorization_encryption_enc_values_supported: ['A256GCM', 'A128GCM'].filter(
        (enc) => request.client_metadata?.encrypted_response_enc_values_supported?.includes(enc) ?? enc === 'A128GCM',
      ),
    },
  }
}
