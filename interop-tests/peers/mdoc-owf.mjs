// mdoc by @owf/mdoc: one JSON object on stdin, one on stdout. Bytes are base64url.
//
//   signer     { name }                                                                  -> { privateJwk, x5c, trustAnchorPem }
//   transcript { client_id, nonce, response_uri, jwk_thumbprint? }                       -> { session_transcript }
//   issue      { doctype, namespaces, issuer_private_jwk, x5c, device_jwk }              -> { issuer_signed }
//   present    { issuer_signed, elements, session_transcript, device_private_jwk }       -> { device_response }
//   verify     { device_response, session_transcript, trust_anchor_pem }                 -> { namespaces }
import { X509Certificate } from 'node:crypto'
import {
  CoseKey, DateOnly, DeviceRequest, DeviceResponse, DocRequest, Holder, IssuerSigned, ItemsRequest, SessionTranscript,
  Verifier,
} from '@owf/mdoc'
import { readStdin, run } from './lib/cli.mjs'
import { context } from './lib/mdoc-context.mjs'
import { issue } from './lib/mdoc-wallet.mjs'
import { DATES, newDocumentSigner } from './lib/mdoc.mjs'

const bytes = (text) => new Uint8Array(Buffer.from(text, 'base64url'))
const text = (bytes) => Buffer.from(bytes).toString('base64url')

await run({
  signer: { run: () => newDocumentSigner(readStdin()) },
  transcript: {
    async run() {
      const { client_id: clientId, nonce, response_uri: responseUri, jwk_thumbprint } = readStdin()
      const jwkThumbprint = jwk_thumbprint && bytes(jwk_thumbprint)
      const transcript = await SessionTranscript.forOid4Vp({ clientId, nonce, responseUri, jwkThumbprint }, context)
      return { session_transcript: text(transcript.encode()) }
    },
  },
  issue: {
    async run() {
      const { doctype, namespaces, issuer_private_jwk, x5c, device_jwk } = readStdin()
      const typed = Object.entries(namespaces).map(([namespace, elements]) => [namespace, withDates(elements)])
      const signer = { privateJwk: issuer_private_jwk, x5c, deviceJwk: device_jwk }
      return { issuer_signed: await issue({ doctype, namespaces: Object.fromEntries(typed), ...signer }) }
    },
  },
  present: {
    async run() {
      const { issuer_signed, elements, session_transcript, device_private_jwk } = readStdin()
      const issuerSigned = IssuerSigned.fromEncodedForOid4Vci(issuer_signed)
      const namespaces = new Map()
      for (const [namespace, name] of elements) {
        namespaces.set(namespace, (namespaces.get(namespace) ?? new Map()).set(name, false))
      }
      const docType = issuerSigned.issuerAuth.mobileSecurityObject.docType
      const itemsRequest = ItemsRequest.create({ docType, namespaces })
      const response = await Holder.createDeviceResponseForDeviceRequest(
        {
          deviceRequest: DeviceRequest.create({ docRequests: [DocRequest.create({ itemsRequest })] }),
          sessionTranscript: bytes(session_transcript),
          issuerSigned: [issuerSigned],
          signature: { signingKey: CoseKey.fromJwk({ ...device_private_jwk, alg: 'ES256' }) },
        },
        context,
      )
      return { device_response: response.encodedForOid4Vp }
    },
  },
  verify: {
    async run() {
      const { device_response, session_transcript, trust_anchor_pem } = readStdin()
      const deviceResponse = DeviceResponse.fromEncodedForOid4Vp(device_response)
      await Verifier.verifyDeviceResponse(
        {
          deviceResponse,
          sessionTranscript: bytes(session_transcript),
          trustedCertificates: [new Uint8Array(new X509Certificate(trust_anchor_pem).raw)],
        },
        context,
      )
      const [{ issuerSigned }] = deviceResponse.documents
      const names = [...issuerSigned.issuerNamespaces.issuerNamespaces.keys()]
      return { namespaces: Object.fromEntries(names.map((name) => [name, issuerSigned.getPrettyClaims(name)])) }
    },
  },
})

function withDates(elements) {
  const typed = Object.entries(elements).map(([name, value]) => [name, DATES.has(name) ? new DateOnly(value) : value])
  return Object.fromEntries(typed)
}
