// The examiner as a wallet of an issuer (OpenID4VCI 1.0, RFC 8414, RFC 6749, RFC 9449).
import { createHash, randomUUID, X509Certificate } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'
import { inflateSync } from 'node:zlib'
import { compactVerify, decodeJwt, decodeProtectedHeader, importX509 } from 'jose'
import { contentType, entropyBits, Findings } from './findings.mjs'
import { newKey, seconds, sha256, signJwt } from './sd-jwt.mjs'

export const PRE_AUTHORIZED = 'urn:ietf:params:oauth:grant-type:pre-authorized_code'
const ASYMMETRIC = /^(ES|PS|RS)(256|384|512)$|^EdDSA$|^Ed25519$/

/** The authorities that https servers may end at; PEM. */
export const trusted = []

/** A reply with its body read: `{ status, headers, type, body, text }`. A header may be a list of values. */
export async function ask(url, { method = 'GET', headers = {}, form, json, body } = {}) {
  const content = form ? new URLSearchParams(form).toString() : json ? JSON.stringify(json) : body
  const type = form ? 'application/x-www-form-urlencoded' : json ? 'application/json' : undefined
  const { status, rawHeaders, text } = await exchange(new URL(url), {
    method,
    headers: { ...(type ? { 'content-type': type } : {}), 'content-length': Buffer.byteLength(content ?? ''), ...headers },
    body: content,
  })
  const received = new Headers()
  for (let at = 0; at < rawHeaders.length; at += 2) received.append(rawHeaders[at], rawHeaders[at + 1])
  const read = { status, headers: received, text }
  read.type = contentType(read)
  read.body = safely(() => JSON.parse(text))
  return read
}

/** By hand: fetch follows redirects, folds repeated headers, and knows no authority of ours. */
function exchange(url, { method, headers, body }) {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? https.request : http.request
    const outgoing = send(url, { method, headers, ca: trusted, agent: false }, (reply) => {
      const chunks = []
      reply.on('data', (chunk) => chunks.push(chunk))
      reply.on('end', () => {
        resolve({ status: reply.statusCode, rawHeaders: reply.rawHeaders, text: Buffer.concat(chunks).toString() })
      })
    })
    outgoing.once('error', reject)
    outgoing.end(body)
  })
}

/** RFC 8414 §3.1, OID4VCI §12.2.2: the well-known path goes between host and path. */
export function wellKnown(issuer, name) {
  const { origin, pathname } = new URL(issuer)
  return `${origin}/.well-known/${name}${pathname === '/' ? '' : pathname}`
}

/** Both metadata documents, as they came. */
export async function discover(issuer) {
  const reply = await ask(wellKnown(issuer, 'openid-credential-issuer'), { headers: { accept: 'application/json' } })
  const [server = issuer] = reply.body?.authorization_servers ?? []
  const serverReply = await ask(wellKnown(server, 'oauth-authorization-server'))
  return { issuer, reply, metadata: reply.body, serverReply, server: serverReply.body }
}

const METADATA_MEMBERS = [
  'credential_issuer',
  'authorization_servers',
  'credential_endpoint',
  'nonce_endpoint',
  'deferred_credential_endpoint',
  'notification_endpoint',
  'credential_request_encryption',
  'credential_response_encryption',
  'batch_credential_issuance',
  'display',
  'credential_configurations_supported',
]
const CONFIGURATION_MEMBERS = {
  common: [
    'format',
    'scope',
    'credential_signing_alg_values_supported',
    'cryptographic_binding_methods_supported',
    'proof_types_supported',
    'credential_metadata',
  ],
  'dc+sd-jwt': ['vct'],
  mso_mdoc: ['doctype'],
  jwt_vc_json: ['credential_definition'],
  ldp_vc: ['credential_definition'],
}

/** Everything the two metadata documents must and must not say. */
export function examineMetadata({ issuer, reply, metadata, serverReply, server }) {
  const findings = new Findings()
  findings.equal(reply.status, 200, 'the status of the issuer metadata')
  findings.equal(reply.type, 'application/json', 'the media type of the issuer metadata')
  findings.equal(metadata?.credential_issuer, issuer, 'credential_issuer')
  findings.members(metadata, METADATA_MEMBERS, 'the issuer metadata')
  for (const [name, value] of Object.entries(metadata)) if (name.endsWith('_endpoint')) findings.https(value, name)
  findings.expect(metadata.credential_endpoint, 'there is no credential_endpoint')
  for (const found of metadata.authorization_servers ?? []) findings.https(found, 'authorization_servers')
  if (metadata.batch_credential_issuance) {
    findings.expect(metadata.batch_credential_issuance.batch_size >= 2, 'batch_size is less than 2')
  }
  const configurations = Object.entries(metadata.credential_configurations_supported ?? {})
  findings.expect(configurations.length > 0, 'there is no credential configuration')
  for (const [id, configuration] of configurations) examineConfiguration(id, configuration, findings)
  const binding = configurations.some(([, it]) => it.proof_types_supported)
  findings.expect(!binding || metadata.nonce_endpoint, 'keys are bound, and there is no nonce_endpoint')
  examineEncryption(metadata, findings)
  examineServer(server, serverReply, metadata.authorization_servers?.[0] ?? issuer, findings)
  const scopes = configurations.every(([, it]) => it.scope)
  findings.expect(
    scopes || server.authorization_details_types_supported?.includes('openid_credential'),
    'a configuration can be asked for neither by scope nor by authorization details',
  )
  return findings
}

function examineConfiguration(id, configuration, findings) {
  const { format } = configuration
  const own = CONFIGURATION_MEMBERS[format]
  if (!findings.expect(own, `${id} has the format ${format}`)) return
  findings.members(configuration, [...CONFIGURATION_MEMBERS.common, ...own], id)
  for (const name of own) findings.expect(configuration[name], `${id} has no ${name}`)
  const algorithms = configuration.credential_signing_alg_values_supported ?? []
  findings.expect(algorithms.length > 0, `${id} names no algorithm`)
  for (const algorithm of algorithms) {
    if (format === 'mso_mdoc') findings.expect(Number.isInteger(algorithm) && algorithm < 0, `${id}: COSE algorithm ${algorithm}`)
    else if (format !== 'ldp_vc') findings.expect(ASYMMETRIC.test(algorithm), `${id}: JWS algorithm ${algorithm}`)
  }
  findings.equal(
    'cryptographic_binding_methods_supported' in configuration,
    'proof_types_supported' in configuration,
    `${id}: binding methods come with proof types`,
  )
  for (const [type, proof] of Object.entries(configuration.proof_types_supported ?? {})) {
    findings.expect(['jwt', 'attestation', 'di_vp'].includes(type), `${id}: the proof type ${type}`)
    const values = proof.proof_signing_alg_values_supported ?? []
    findings.expect(values.length > 0, `${id}: ${type} names no algorithm`)
    if (type !== 'di_vp') for (const value of values) findings.expect(ASYMMETRIC.test(value), `${id}: ${type}: ${value}`)
  }
  findings.expect(/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(configuration.scope ?? 'absent'), `${id}: scope`)
  const paths = (configuration.credential_metadata?.claims ?? []).map(({ path }) => JSON.stringify(path))
  findings.equal(new Set(paths).size, paths.length, `${id}: a claim occurs twice`)
  for (const { locale } of configuration.credential_metadata?.display ?? []) {
    if (locale !== undefined) findings.equal(safely(() => new Intl.Locale(locale).toString()), locale, `${id}: locale`)
  }
}

function examineEncryption({ credential_request_encryption: request, credential_response_encryption: response }, findings) {
  if (response) {
    findings.expect(request, 'responses are encrypted, and requests cannot be')
    for (const name of ['alg_values_supported', 'enc_values_supported', 'encryption_required']) {
      findings.expect(name in response, `credential_response_encryption has no ${name}`)
    }
  }
  if (request) {
    const keys = request.jwks?.keys ?? []
    findings.expect(keys.length > 0, 'credential_request_encryption has no key')
    findings.equal(new Set(keys.map(({ kid }) => kid)).size, keys.length, 'kids are unique')
    for (const key of keys) findings.expect(key.kid && key.kty && key.alg && !key.d, 'a key lacks kid, kty or alg, or is private')
    findings.expect(request.enc_values_supported?.length > 0 && 'encryption_required' in request, 'credential_request_encryption is not whole')
  }
}

function examineServer(server, reply, expected, findings) {
  findings.equal(reply.status, 200, 'the status of the authorization server metadata')
  findings.equal(reply.type, 'application/json', 'the media type of the authorization server metadata')
  findings.equal(server?.issuer, expected, 'issuer')
  for (const [name, value] of Object.entries(server)) if (name.endsWith('_endpoint') || name === 'jwks_uri') findings.https(value, name)
  const grants = server.grant_types_supported ?? []
  if (grants.includes('authorization_code')) {
    findings.expect(server.response_types_supported?.includes('code'), 'response_types_supported lacks code')
    findings.expect(server.code_challenge_methods_supported?.includes('S256'), 'code_challenge_methods_supported lacks S256')
    findings.expect(!server.code_challenge_methods_supported?.includes('plain'), 'plain PKCE is offered')
    findings.equal(server.authorization_response_iss_parameter_supported, true, 'authorization_response_iss_parameter_supported')
    findings.expect(server.pushed_authorization_request_endpoint, 'there is no pushed_authorization_request_endpoint')
  }
  if (server.token_endpoint_auth_methods_supported?.includes('attest_jwt_client_auth')) {
    for (const name of ['client_attestation_signing_alg_values_supported', 'client_attestation_pop_signing_alg_values_supported']) {
      findings.expect(server[name]?.length > 0, `${name} is empty`)
    }
  }
}

const safely = (read) => {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** An offer link's offer, by value or by reference. */
export async function readOffer(link) {
  const parameters = new URL(link).searchParams
  const byValue = parameters.get('credential_offer')
  return byValue ? JSON.parse(byValue) : (await ask(parameters.get('credential_offer_uri'))).body
}

/** A DPoP proof (RFC 9449 §4.2). */
export async function dpop({ key, method = 'POST', url, nonce, accessToken, header = {}, claims = {} }) {
  const body = {
    jti: randomUUID(),
    htm: method,
    htu: url,
    iat: seconds(),
    ...(nonce ? { nonce } : {}),
    ...(accessToken ? { ath: sha256(accessToken) } : {}),
    ...claims,
  }
  return signJwt({ typ: 'dpop+jwt', jwk: key.publicJwk, ...header }, drop(body), key.privateJwk)
}

/** Members set to undefined are left out. */
const drop = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))

/** Asks with DPoP, and once more with the nonce that the server wants. */
export async function askWithDpop(url, request, { key, accessToken }) {
  let nonce
  for (let round = 0; ; round += 1) {
    const proof = await dpop({ key, url, nonce, accessToken })
    const authorization = accessToken ? { authorization: `DPoP ${accessToken}` } : {}
    const reply = await ask(url, { method: 'POST', ...request, headers: { ...request.headers, ...authorization, DPoP: proof } })
    const wanted = reply.body?.error === 'use_dpop_nonce' || /use_dpop_nonce/.test(reply.headers.get('www-authenticate') ?? '')
    nonce = reply.headers.get('dpop-nonce') ?? nonce
    if (!wanted || round === 2) return reply
  }
}

/** The `jwt` key proof (OID4VCI App. F.1); `change` may make any claim wrong. */
export async function keyProof({ key, issuer, nonce, header = {}, change = (it) => it }) {
  const claims = change({ aud: issuer, iat: seconds(), nonce })
  return signJwt({ typ: 'openid4vci-proof+jwt', jwk: key.publicJwk, ...header }, claims, key.privateJwk)
}

/** An offer followed to its access token. */
export async function toToken(lanyard, { type, txCode, ...more }) {
  return tokenFor(await lanyard.offer({ type, txCode, ...more }))
}

/** The same for an offer that was made. */
export async function tokenFor({ link, tx_code: code }) {
  const offer = await readOffer(link)
  const found = await discover(offer.credential_issuer)
  const key = await newKey()
  const form = { grant_type: PRE_AUTHORIZED, 'pre-authorized_code': offer.grants[PRE_AUTHORIZED]['pre-authorized_code'] }
  if (code) form.tx_code = code
  const bound = found.server.dpop_signing_alg_values_supported !== undefined
  const request = { method: 'POST', form: { ...form, unknown_member: 'to be ignored' } }
  const token = bound
    ? await askWithDpop(found.server.token_endpoint, request, { key })
    : await ask(found.server.token_endpoint, request)
  return { ...found, offer, form, token, dpopKey: key, bound, wanted: offer.credential_configuration_ids[0] }
}

export async function freshNonce({ metadata }) {
  const reply = await ask(metadata.nonce_endpoint, { method: 'POST' })
  return { reply, nonce: reply.body?.c_nonce }
}

/** Asks the credential endpoint: with DPoP where the token is bound to a key. */
export function askCredential(at, json, request = {}) {
  return askWithToken(at, at.metadata.credential_endpoint, { json, ...request })
}

/** Asks an endpoint that wants the access token. */
export function askWithToken({ token, bound, dpopKey }, url, request) {
  const accessToken = token.body.access_token
  if (bound) return askWithDpop(url, request, { key: dpopKey, accessToken })
  const headers = { authorization: `Bearer ${accessToken}`, ...request.headers }
  return ask(url, { method: 'POST', ...request, headers })
}

/** A credential request with one good proof. */
export async function goodRequest(at) {
  const key = await newKey()
  const { nonce } = await freshNonce(at)
  const proof = await keyProof({ key, issuer: at.issuer, nonce })
  return { key, request: { ...named(at), proofs: { jwt: [proof] } } }
}

/** Issuer metadata that are signed (OID4VCI §12.2.3, HAIP §4.1). */
export async function examineSignedMetadata(issuer, trustAnchorPem) {
  const findings = new Findings()
  const reply = await ask(wellKnown(issuer, 'openid-credential-issuer'), { headers: { accept: 'application/jwt' } })
  findings.equal(reply.status, 200, 'the status of the signed metadata')
  if (!findings.equal(reply.type, 'application/jwt', 'their media type')) return { findings }
  const header = decodeProtectedHeader(reply.text)
  findings.equal(header.typ, 'openidvci-issuer-metadata+jwt', 'typ of the signed metadata')
  findings.expect(ASYMMETRIC.test(header.alg), `alg ${header.alg}`)
  const chain = (header.x5c ?? []).map((der) => new X509Certificate(Buffer.from(der, 'base64')))
  const anchor = new X509Certificate(trustAnchorPem)
  if (!findings.expect(chain.length > 0, 'the signed metadata have no x5c')) return { findings }
  findings.expect(!chain[0].checkIssued(chain[0]), 'their leaf is self-signed')
  findings.expect(!chain.some(({ raw }) => raw.equals(anchor.raw)), 'their x5c holds the anchor')
  findings.expect(chain.at(-1).checkIssued(anchor) && chain.at(-1).verify(anchor.publicKey), 'their x5c does not end at the anchor')
  await compactVerify(reply.text, await importX509(chain[0].toString(), header.alg))
  const { iss: _, sub, iat, exp, ...metadata } = decodeJwt(reply.text)
  findings.equal(sub, issuer, 'sub of the signed metadata')
  findings.expect(Number.isInteger(iat) && Math.abs(iat - seconds()) < 60, 'iat of the signed metadata')
  findings.expect(exp === undefined || exp > seconds(), 'the signed metadata have expired')
  return { findings, metadata }
}

/** What names the credential: the identifier that the token response gave, or the configuration. */
export function named({ token, wanted }) {
  const identifier = token.body.authorization_details?.[0]?.credential_identifiers?.[0]
  return identifier ? { credential_identifier: identifier } : { credential_configuration_id: wanted }
}

/** No secret is guessable, no answer is kept, nothing else is said. */
export function examineToken({ token, bound }) {
  const findings = new Findings()
  findings.equal(token.status, 200, `the status of the token response ${token.text}`)
  findings.equal(token.type, 'application/json', 'its media type')
  findings.expect(/no-store/.test(token.headers.get('cache-control') ?? ''), 'the token may be stored')
  findings.equal(token.body.token_type?.toLowerCase(), bound ? 'dpop' : 'bearer', 'token_type')
  findings.expect(entropyBits(token.body.access_token) >= 128, 'the access token has less than 128 bits')
  findings.expect(Number.isInteger(token.body.expires_in), 'there is no expires_in')
  findings.expect(!('id_token' in token.body) && !('c_nonce' in token.body), 'the token response has id_token or c_nonce')
  for (const detail of token.body.authorization_details ?? []) {
    findings.equal(detail.type, 'openid_credential', 'type of the authorization details')
    findings.expect(detail.credential_identifiers?.length > 0, 'credential_identifiers is empty')
  }
  return findings
}

/** The SD-JWT VC that came back (SD-JWT VC §2, HAIP §6.1). */
export async function examineSdJwtVc(credential, { configuration, key, trustAnchorPem }) {
  const findings = new Findings()
  const [jwt, ...disclosures] = credential.split('~')
  findings.equal(disclosures.pop(), '', 'an SD-JWT ends with ~')
  const header = decodeProtectedHeader(jwt)
  findings.equal(header.typ, 'dc+sd-jwt', 'typ')
  findings.expect(configuration.credential_signing_alg_values_supported.includes(header.alg), `alg ${header.alg} is not advertised`)
  const chain = (header.x5c ?? []).map((der) => new X509Certificate(Buffer.from(der, 'base64')))
  const anchor = new X509Certificate(trustAnchorPem)
  if (findings.expect(chain.length > 0, 'there is no x5c')) {
    findings.expect(!chain[0].checkIssued(chain[0]), 'the leaf is self-signed')
    findings.expect(!chain.some(({ raw }) => raw.equals(anchor.raw)), 'x5c holds the anchor')
    findings.expect(chain.at(-1).checkIssued(anchor) && chain.at(-1).verify(anchor.publicKey), 'x5c does not end at the anchor')
    await compactVerify(jwt, await importX509(chain[0].toString(), header.alg))
  }
  const claims = decodeJwt(jwt)
  findings.equal(claims.vct, configuration.vct, 'vct')
  if (key) {
    const { kty, crv, x, y, ...more } = claims.cnf?.jwk ?? {}
    findings.equal(JSON.stringify([kty, crv, x, y]), JSON.stringify([key.kty, key.crv, key.x, key.y]), 'cnf.jwk')
    findings.expect(!('d' in more), 'cnf.jwk is private')
  }
  for (const name of ['iat', 'nbf', 'exp']) {
    if (claims[name] !== undefined) findings.equal(claims[name] % 3600, 0, `${name} is not rounded`)
  }
  findings.expect(claims.exp || claims.status, 'there is neither exp nor status')
  findings.expect((claims.exp ?? Infinity) > Date.now() / 1000 && (claims.nbf ?? 0) <= Date.now() / 1000, 'it is not valid now')
  const digests = JSON.stringify(claims) + disclosures.map((text) => Buffer.from(text, 'base64url')).join('')
  const salts = disclosures.map((text) => JSON.parse(Buffer.from(text, 'base64url'))[0])
  findings.equal(new Set(salts).size, salts.length, 'salts are unique')
  for (const text of disclosures) {
    findings.expect(digests.includes(createHash('sha256').update(text).digest('base64url')), 'a disclosure without a digest')
  }
  if (claims.status?.status_list) await examineStatus(claims.status.status_list, anchor, findings)
  return { findings, claims, salts }
}

/** The status list behind a credential (Token Status List §5, §8). */
async function examineStatus({ idx, uri }, anchor, findings) {
  const reply = await ask(uri, { headers: { accept: 'application/statuslist+jwt' } })
  findings.equal(reply.status, 200, 'the status of the status list')
  findings.equal(reply.type, 'application/statuslist+jwt', 'its media type')
  const header = decodeProtectedHeader(reply.text)
  findings.equal(header.typ, 'statuslist+jwt', 'typ of the status list')
  if (!findings.expect(header.x5c?.length > 0, 'the status list has no x5c')) return
  const leaf = new X509Certificate(Buffer.from(header.x5c[0], 'base64'))
  findings.expect(leaf.verify(anchor.publicKey), 'the status list is not of the anchor')
  const { payload } = await compactVerify(reply.text, await importX509(leaf.toString(), header.alg))
  const { sub, iat, exp, ttl, status_list: list } = JSON.parse(new TextDecoder().decode(payload))
  findings.equal(sub, uri, 'sub of the status list')
  findings.expect(Number.isInteger(iat), 'the status list has no iat')
  findings.expect(exp === undefined || exp > Date.now() / 1000, 'the status list has expired')
  findings.expect(ttl === undefined || ttl > 0, 'ttl')
  if (!findings.expect([1, 2, 4, 8].includes(list.bits), 'bits')) return
  const bytes = inflateSync(Buffer.from(list.lst, 'base64url'))
  const perByte = 8 / list.bits
  if (!findings.expect(idx < bytes.length * perByte, 'idx is beyond the list')) return
  const status = (bytes[Math.floor(idx / perByte)] >> ((idx % perByte) * list.bits)) & (2 ** list.bits - 1)
  findings.equal(status, 0, 'the status of a fresh credential')
}

/** OID4VCI §8.3.1.2: 400, JSON, these three members, never encrypted. */
export function examineError(reply, expected, status = 400) {
  const findings = new Findings()
  findings.equal(reply.status, status, `the status of ${reply.text}`)
  findings.equal(reply.type, 'application/json', 'its media type')
  const wanted = Array.isArray(expected) ? expected : [expected]
  findings.expect(wanted.includes(reply.body?.error), `error is ${reply.body?.error}, not ${wanted.join(' or ')}`)
  findings.members(reply.body, ['error', 'error_description', 'error_uri'], 'the error')
  return findings
}
