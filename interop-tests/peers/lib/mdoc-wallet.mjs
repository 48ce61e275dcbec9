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
const derOf = (pem) => new Uint8Array(new X509Certificate(pem).raw)
const wholeSecond = (milliseconds) => new Date(Math.floor(milliseconds / 1000) * 1000)

export const DOCTYPE = 'org.iso.18013.5.1.mDL'
export const NAMESPACE = 'org.iso.18013.5.1'
export const LICENCE = { given_name: 'Ada', family_name: 'Lovelace', age_over_18: true }

/** A licence of an authority of its own, bound to this device: `{ credential, trustAnchorPem }`. */
export async function mint(deviceJwk) {
  const signer = await newDocumentSigner({ name: 'Utopia' })
  const { privateJwk, x5c, trustAnchorPem } = signer
  const namespaces = { [NAMESPACE]: LICENCE }
  return { credential: await issue({ doctype: DOCTYPE, namespaces, privateJwk, x5c, deviceJwk }), trustAnchorPem }
}

/** An IssuerSigned for a day, base64url; dates are `DateOnly` already. */
export async function issue({ doctype, namespaces, privateJwk, x5c, deviceJwk }) {
  const issuer = new Issuer(doctype, context)
  for (const [namespace, elements] of Object.entries(namespaces)) issuer.addIssuerNamespace(namespace, elements)
  const signed = wholeSecond(Date.now())
  const issued = await issuer.sign({
    signingKey: CoseKey.fromJwk(privateJwk),
    algorithm: SignatureAlgorithm.ES256,
    digestAlgorithm: 'SHA-256',
    validityInfo: { signed, validFrom: signed, validUntil: wholeSecond(Date.now() + DAY) },
    deviceKeyInfo: { deviceKey: DeviceKey.fromJwk(deviceJwk) },
    certificates: x5c.map((der) => new Uint8Array(Buffer.from(der, 'base64'))),
  })
  return issued.encodedForOid4Vci
}

/** What an issuer handed out, once it was verified: its elements by namespace, and the device's key. */
export async function verifyIssued({ credential, trustAnchors }) {
  const issuerSigned = IssuerSigned.fromEncodedForOid4Vci(credential)
  await Holder.verifyIssuerSigned({ issuerSigned, trustedCertificates: trustAnchors.map(derOf) }, context)
  const { deviceKey } = issuerSigned.issuerAuth.mobileSecurityObject.deviceKeyInfo
  return { claims: shape(issuerSigned).namespaces, deviceJwk: deviceKey.jwk }
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

/** A transcript with a handover that @owf/mdoc does not know, so that it could not read it back from its bytes. */
export class ForeignTranscript extends SessionTranscript {
  #handover
  constructor(handover) {
    super({ deviceEngagement: null, eReaderKey: null, handover: null })
    this.#handover = handover
  }
  get encodedStructure() {
    return [null, null, this.#handover]
  }
}

/**
 * The transcript of a request by redirect, or through the platform where it has an origin: `key` is the JWK that the
 * response is encrypted to, if any. One that was put together elsewhere goes as it is.
 */
async function transcriptOf({ clientId, nonce, responseUri, origin, key, transcript }) {
  if (transcript) return transcript
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
      sessionTranscript: await transcriptOf(request),
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
      sessionTranscript: await transcriptOf(request),
      trustedCertificates: trustAnchors.map(derOf),
    },
    context,
  )
  const [{ issuerSigned }] = deviceResponse.documents
  return shape(issuerSigned)
}
