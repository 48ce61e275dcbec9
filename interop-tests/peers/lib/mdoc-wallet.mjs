// An mdoc in a wallet and at a verifier of OpenID4VP, by @owf/mdoc.
import { X509Certificate } from 'node:crypto'
import {
  CoseKey, DeviceKey, DeviceRequest, DeviceResponse, DocRequest, Holder, Issuer, IssuerSigned, ItemsRequest,
  SessionTranscript, SignatureAlgorithm, Verifier,
} from '@owf/mdoc'
import { calculateJwkThumbprint } from 'jose'
import { context } from './mdoc-context.mjs'
import { newDocumentSigner } from './mdoc.mjs'

const DAY = 24 * 60 * 60 * 1000
const wholeSecond = (milliseconds) => new Date(Math.floor(milliseconds / 1000) * 1000)

export const DOCTYPE = 'org.iso.18013.5.1.mDL'
export const NAMESPACE = 'org.iso.18013.5.1'
export const LICENCE = { given_name: 'Ada', family_name: 'Lovelace', age_over_18: true }

/** A licence of an authority of its own, bound to this device: `{ credential, trustAnchorPem }`. */
export async function mint(deviceJwk) {
  const signer = await newDocumentSigner({ name: 'Utopia' })
  const issuer = new Issuer(DOCTYPE, context)
  issuer.addIssuerNamespace(NAMESPACE, LICENCE)
  const signed = wholeSecond(Date.now())
  const issued = await issuer.sign({
    signingKey: CoseKey.fromJwk(signer.privateJwk),
    algorithm: SignatureAlgorithm.ES256,
    digestAlgorithm: 'SHA-256',
    validityInfo: { signed, validFrom: signed, validUntil: wholeSecond(Date.now() + DAY) },
    deviceKeyInfo: { deviceKey: DeviceKey.fromJwk(deviceJwk) },
    certificates: signer.x5c.map((der) => new Uint8Array(Buffer.from(der, 'base64'))),
  })
  return { credential: issued.encodedForOid4Vci, trustAnchorPem: signer.trustAnchorPem }
}

/** What the `dcql` package needs to know of a held mdoc. */
export function asDcqlCredential(credential) {
  const issuerSigned = IssuerSigned.fromEncodedForOid4Vci(credential)
  return shape(issuerSigned)
}

function shape(issuerSigned) {
  const names = [...issuerSigned.issuerNamespaces.issuerNamespaces.keys()]
  return {
    credential_format: 'mso_mdoc',
    doctype: issuerSigned.issuerAuth.mobileSecurityObject.docType,
    namespaces: Object.fromEntries(names.map((name) => [name, issuerSigned.getPrettyClaims(name)])),
    cryptographic_holder_binding: true,
  }
}

/**
 * The transcript of a request by redirect, or through the platform where it has an origin: `key` is the JWK that the
 * response is encrypted to, if any. One that was put together elsewhere goes as it is.
 */
async function transcriptOf({ clientId, nonce, responseUri, origin, key, transcript }) {
  if (transcript) return { encode: () => transcript }
  const jwkThumbprint = key && new Uint8Array(Buffer.from(await calculateJwkThumbprint(key, 'sha256'), 'base64url'))
  if (origin) return SessionTranscript.forOid4VpDcApi({ origin, nonce, jwkThumbprint }, context)
  return SessionTranscript.forOid4Vp({ clientId, nonce, responseUri, jwkThumbprint }, context)
}

/** A DeviceResponse with these elements, for this request. */
export async function present({ credential, elements, privateJwk, ...request }) {
  const issuerSigned = IssuerSigned.fromEncodedForOid4Vci(credential)
  const namespaces = new Map()
  for (const [namespace, name] of elements) {
    namespaces.set(namespace, (namespaces.get(namespace) ?? new Map()).set(name, false))
  }
  const docType = issuerSigned.issuerAuth.mobileSecurityObject.docType
  const itemsRequest = ItemsRequest.create({ docType, namespaces })
  const response = await Holder.createDeviceResponseForDeviceRequest(
    {
      deviceRequest: DeviceRequest.create({ docRequests: [DocRequest.create({ itemsRequest })] }),
      sessionTranscript: (await transcriptOf(request)).encode(),
      issuerSigned: [issuerSigned],
      signature: { signingKey: CoseKey.fromJwk({ ...privateJwk, alg: 'ES256' }) },
    },
    context,
  )
  return response.encodedForOid4Vp
}

/** What a presented mdoc says, once everything about it was verified. */
export async function verify({ presentation, trustAnchors, ...request }) {
  const deviceResponse = DeviceResponse.fromEncodedForOid4Vp(presentation)
  await Verifier.verifyDeviceResponse(
    {
      deviceResponse,
      sessionTranscript: (await transcriptOf(request)).encode(),
      trustedCertificates: trustAnchors.map((pem) => new Uint8Array(new X509Certificate(pem).raw)),
    },
    context,
  )
  const [{ issuerSigned }] = deviceResponse.documents
  return shape(issuerSigned)
}
