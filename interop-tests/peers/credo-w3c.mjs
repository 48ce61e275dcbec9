// W3C credentials in JWTs by @credo-ts/core: one JSON object on stdin, one on stdout.
//
//   did     { private_jwk }                                                            -> { did }
//   issue   { format, issuer_private_jwk, subject, type, now, selective? }             -> { credential }
//   present { format, credential, holder_private_jwk, nonce, audience }                -> { presentation }
//   verify  { format, presentation, nonce, audience }                                  -> { claims, holder }
//   verify-credential { format, credential }                                           -> { claims }
//
// Formats are jwt_vc_json (VCDM 1.1), vc+jwt and vc+sd-jwt (VCDM 2.0).
import 'reflect-metadata'
import {
  ClaimFormat,
  JsonTransformer,
  W3cCredential,
  W3cJwtVerifiableCredential,
  W3cPresentation,
  W3cV2Credential,
  W3cV2EnvelopedVerifiableCredential,
  W3cV2JwtVerifiableCredential,
  W3cV2JwtVerifiablePresentation,
  W3cV2Presentation,
  W3cV2SdJwtVerifiableCredential,
} from '@credo-ts/core'
import { readStdin, run } from './lib/cli.mjs'
import { importPerson, newAgent } from './lib/credo-platform.mjs'

const CONTEXT_V1 = 'https://www.w3.org/2018/credentials/v1'
const CONTEXT_V2 = 'https://www.w3.org/ns/credentials/v2'
const CLAIM_FORMATS = { 'vc+jwt': ClaimFormat.JwtW3cVc, 'vc+sd-jwt': ClaimFormat.SdJwtW3cVc }

await run({
  did: { run: async () => ({ did: (await importPerson(await newAgent({}), readStdin().private_jwk)).did }) },
  issue: { run: () => issue(readStdin()) },
  present: { run: () => present(readStdin()) },
  verify: { run: () => verify(readStdin()) },
  'verify-credential': { run: () => verifyCredential(readStdin()) },
})

async function issue({ format, issuer_private_jwk, subject, type, now, selective }) {
  const agent = await newAgent({})
  const { did, keyId } = await importPerson(agent, issuer_private_jwk)
  const from = new Date(now * 1000).toISOString()
  const common = { type: ['VerifiableCredential', type], issuer: did, credentialSubject: subject }
  const signing = { alg: 'ES256', verificationMethod: keyId }
  if (format === 'jwt_vc_json') {
    const document = { '@context': [CONTEXT_V1], ...common, issuanceDate: from }
    const credential = JsonTransformer.fromJSON(document, W3cCredential)
    const signed = await agent.w3cCredentials.signCredential({ format: ClaimFormat.JwtVc, credential, ...signing })
    return { credential: signed.serializedJwt }
  }
  const document = { '@context': [CONTEXT_V2], ...common, validFrom: from }
  const credential = JsonTransformer.fromJSON(document, W3cV2Credential)
  const holder = { method: 'did', didUrl: `${subject.id}#0` }
  const disclosureFrame = selective ? { credentialSubject: { _sd: selective } } : undefined
  const options = { format: CLAIM_FORMATS[format], credential, holder, ...signing, disclosureFrame }
  return { credential: (await agent.w3cV2Credentials.signCredential(options)).encoded }
}

async function present({ format, credential, holder_private_jwk, nonce, audience }) {
  const agent = await newAgent({})
  const { did, keyId } = await importPerson(agent, holder_private_jwk)
  const request = { challenge: nonce, domain: audience }
  if (format === 'jwt_vc_json') {
    const verifiableCredential = [W3cJwtVerifiableCredential.fromSerializedJwt(credential)]
    const presentation = new W3cPresentation({ holder: did, verifiableCredential })
    const signing = { format: ClaimFormat.JwtVp, alg: 'ES256', verificationMethod: keyId }
    const signed = await agent.w3cCredentials.signPresentation({ presentation, ...signing, ...request })
    return { presentation: signed.serializedJwt }
  }
  const enveloped = W3cV2EnvelopedVerifiableCredential.fromVerifiableCredential(parsed(format, credential))
  const presentation = new W3cV2Presentation({ holder: did, verifiableCredential: [enveloped] })
  const options = { format: ClaimFormat.JwtW3cVp, presentation, ...request }
  return { presentation: (await agent.w3cV2Credentials.signPresentation(options)).encoded }
}

async function verify({ format, presentation, nonce, audience }) {
  const agent = await newAgent({})
  const request = { challenge: nonce, domain: audience }
  if (format === 'jwt_vc_json') {
    accept(await agent.w3cCredentials.verifyPresentation({ presentation, ...request }))
    const { vp, iss } = payloadOf(presentation)
    return { claims: payloadOf(vp.verifiableCredential[0]).vc, holder: iss }
  }
  const signed = W3cV2JwtVerifiablePresentation.fromCompact(presentation)
  accept(await agent.w3cV2Credentials.verifyPresentation({ presentation: signed, ...request }))
  const { resolvedPresentation } = signed
  const [credential] = [resolvedPresentation.verifiableCredential].flat()
  return { claims: JsonTransformer.toJSON(credential.resolvedCredential), holder: resolvedPresentation.holderId }
}

async function verifyCredential({ format, credential }) {
  const agent = await newAgent({})
  accept(await agent.w3cV2Credentials.verifyCredential({ credential: parsed(format, credential) }))
  return { claims: JsonTransformer.toJSON(parsed(format, credential).resolvedCredential) }
}

function accept({ isValid, error, validations }) {
  if (isValid) return
  const failed = [error, ...Object.values(validations ?? {}).flat().map((validation) => validation.error)]
  throw new Error(failed.filter(Boolean).map(String).join('; ') || 'not valid')
}

function parsed(format, credential) {
  const kind = format === 'vc+jwt' ? W3cV2JwtVerifiableCredential : W3cV2SdJwtVerifiableCredential
  return kind.fromCompact(credential)
}

function payloadOf(jwt) {
  return JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'))
}
