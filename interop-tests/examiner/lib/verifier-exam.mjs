// The examiner as a wallet that reads a presentation request and answers it (OpenID4VP 1.0, HAIP 1.0).
import { X509Certificate, createHash } from 'node:crypto'
import { CompactEncrypt, compactVerify, decodeProtectedHeader, importJWK, importX509 } from 'jose'
import { base64url } from './sd-jwt.mjs'
import { contentType, entropyBits, Findings } from './findings.mjs'

const OBJECT_TYPE = 'application/oauth-authz-req+jwt'
const NEVER_SELECTIVE = ['iss', 'vct', 'cnf', 'exp', 'nbf', 'status']

/** What a link says before anything is fetched. */
export function readLink(link) {
  return Object.fromEntries(new URL(link).searchParams)
}

/** The request object, with everything that was sent: `{ header, claims, reply, jws, link }`. */
export async function fetchRequest(link, { method = 'GET', walletNonce, walletMetadata } = {}) {
  const parameters = readLink(link)
  const body = new URLSearchParams()
  if (walletNonce) body.set('wallet_nonce', walletNonce)
  if (walletMetadata) body.set('wallet_metadata', JSON.stringify(walletMetadata))
  const reply = await fetch(parameters.request_uri, {
    method,
    headers: { accept: OBJECT_TYPE },
    ...(method === 'POST' ? { body } : {}),
  })
  const jws = await reply.text()
  const header = decodeProtectedHeader(jws)
  const leaf = header.x5c && `-----BEGIN CERTIFICATE-----\n${header.x5c[0]}\n-----END CERTIFICATE-----`
  const { payload } = await compactVerify(jws, await importX509(leaf, header.alg))
  return { header, claims: JSON.parse(new TextDecoder().decode(payload)), reply, jws, link: parameters }
}

/** Everything a request object must and must not say. */
export function examineRequest(request, { trustAnchorPem, method = 'GET', walletNonce }) {
  const findings = new Findings()
  const { header, claims, reply, link } = request
  // the link
  findings.https(link.request_uri, 'request_uri')
  findings.expect(!link.request_uri.includes('#'), 'request_uri has a fragment')
  findings.equal(claims.client_id, link.client_id, 'client_id of the object against the one of the link')
  // the object as it came
  findings.equal(reply.status, 200, 'the status of request_uri')
  findings.equal(contentType(reply), OBJECT_TYPE, 'the media type of the request object')
  findings.equal(header.typ, 'oauth-authz-req+jwt', 'typ')
  // whose it is
  const chain = (header.x5c ?? []).map((der) => new X509Certificate(Buffer.from(der, 'base64')))
  const anchor = new X509Certificate(trustAnchorPem)
  if (findings.expect(chain.length > 0, 'there is no x5c')) {
    const [leaf] = chain
    findings.expect(!leaf.checkIssued(leaf), 'the leaf is self-signed')
    findings.expect(!chain.some(({ raw }) => raw.equals(anchor.raw)), 'x5c holds the trust anchor')
    const last = chain.at(-1)
    findings.expect(last.checkIssued(anchor) && last.verify(anchor.publicKey), 'x5c does not end at the anchor')
    const [prefix, ...rest] = claims.client_id.split(':')
    const name = rest.join(':')
    if (prefix === 'x509_hash') {
      findings.equal(name, base64url(createHash('sha256').update(leaf.raw).digest()), 'x509_hash')
    } else if (findings.equal(prefix, 'x509_san_dns', 'the client identifier prefix')) {
      findings.expect(leaf.subjectAltName?.split(', ').includes(`DNS:${name}`), 'the leaf has no such dNSName')
      findings.equal(new URL(claims.response_uri).hostname, name, 'the host of response_uri')
    }
  }
  // what it says
  findings.equal(claims.response_type, 'vp_token', 'response_type')
  findings.equal(claims.aud, 'https://self-issued.me/v2', 'aud')
  findings.https(claims.response_uri, 'response_uri')
  for (const absent of ['client_id_scheme', 'scope', 'redirect_uri', 'presentation_definition', 'transaction_data']) {
    findings.expect(!(absent in claims), `the request has ${absent}`)
  }
  if (claims.exp !== undefined) findings.expect(claims.exp > Date.now() / 1000, 'exp has passed')
  if (claims.iat !== undefined) findings.expect(claims.iat < Date.now() / 1000 + 60, 'iat is to come')
  findings.expect(/^[A-Za-z0-9_-]{16,}$/.test(claims.nonce ?? ''), 'nonce is not of URL-safe characters')
  findings.expect(entropyBits(claims.nonce) >= 96, 'nonce has less than 96 bits')
  if (method === 'POST') findings.equal(claims.wallet_nonce, walletNonce, 'wallet_nonce')
  else findings.expect(!('wallet_nonce' in claims), 'wallet_nonce without a POST')
  examineClientMetadata(claims, findings)
  examineQuery(claims.dcql_query, findings)
  return findings
}

function examineClientMetadata({ client_metadata: metadata, response_mode: mode, dcql_query: query }, findings) {
  const formats = metadata?.vp_formats_supported
  if (!findings.expect(formats, 'client_metadata has no vp_formats_supported')) return
  const lists = { 'dc+sd-jwt': ['sd-jwt_alg_values', 'kb-jwt_alg_values'], mso_mdoc: ['issuerauth_alg_values', 'deviceauth_alg_values'] }
  for (const { format } of query?.credentials ?? []) {
    findings.expect(format in formats, `vp_formats_supported lacks ${format}`)
    for (const list of lists[format] ?? []) {
      const values = formats[format]?.[list]
      findings.expect(values === undefined || values.length > 0, `${list} is empty`)
    }
  }
  if (mode !== 'direct_post.jwt') return
  const keys = metadata.jwks?.keys ?? []
  findings.expect(keys.length > 0, 'there is no key to encrypt to')
  for (const key of keys) {
    findings.expect(key.kid, 'an encryption key has no kid')
    findings.equal(key.alg, 'ECDH-ES', 'alg of the encryption key')
    findings.equal(key.crv, 'P-256', 'crv of the encryption key')
    findings.expect(key.use === undefined || key.use === 'enc', 'use of the encryption key')
    findings.expect(!('d' in key), 'the encryption key is private')
  }
  const encodings = metadata.encrypted_response_enc_values_supported ?? []
  for (const encoding of ['A128GCM', 'A256GCM']) {
    findings.expect(encodings.includes(encoding), `encrypted_response_enc_values_supported lacks ${encoding}`)
  }
}

function examineQuery(query, findings) {
  if (!findings.expect(query?.credentials?.length === 1, 'the query does not ask for one credential')) return
  const [credential] = query.credentials
  findings.expect(/^[A-Za-z0-9_-]+$/.test(credential.id), 'id of the credential query')
  for (const { path } of credential.claims ?? []) {
    findings.expect(!NEVER_SELECTIVE.includes(path[0]), `the query asks for ${path[0]}, which is never selective`)
  }
}

/** Sends an answer to response_uri, encrypted if the request says so: `{ status, type, body }`. */
export async function answer({ claims }, vpToken, { state = claims.state } = {}) {
  const parameters = { vp_token: vpToken, ...(state === undefined ? {} : { state }) }
  let form
  if (claims.response_mode === 'direct_post.jwt') {
    const [jwk] = claims.client_metadata.jwks.keys
    const [enc] = claims.client_metadata.encrypted_response_enc_values_supported
    const jwe = new CompactEncrypt(Buffer.from(JSON.stringify(parameters)))
      .setProtectedHeader({ alg: jwk.alg, enc, kid: jwk.kid })
      .setKeyManagementParameters({ apu: Buffer.from('apu'), apv: Buffer.from('apv') })
    form = new URLSearchParams({ response: await jwe.encrypt(await importJWK(jwk, jwk.alg)) })
  } else {
    form = new URLSearchParams({ ...parameters, vp_token: JSON.stringify(vpToken) })
  }
  const reply = await fetch(claims.response_uri, { method: 'POST', body: form, redirect: 'manual' })
  const text = await reply.text()
  return { status: reply.status, type: contentType(reply), body: text === '' ? undefined : JSON.parse(text) }
}
