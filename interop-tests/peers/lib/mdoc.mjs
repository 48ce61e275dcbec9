// What every mdoc peer needs: a document signer under an authority, and CBOR put around bytes that stay as they are.
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { exportJWK } from 'jose'
import './x509.mjs'

const ES256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY = 24 * 60 * 60 * 1000

/** The elements whose text is a full-date (ISO/IEC 18013-5 §7.2.1). */
export const DATES = new Set(['birth_date', 'issue_date', 'expiry_date'])

/** DER of fewer than 128 bytes. */
const tlv = (tag, content) => Buffer.concat([Buffer.from([tag, content.length]), content])

/** An issuing authority with one document signer, by the profiles of ISO/IEC 18013-5 Annex B.1. */
export async function newDocumentSigner({ name, country = 'UT' }) {
  const caKeys = await webcrypto.subtle.generateKey(ES256, true, ['sign', 'verify'])
  const leafKeys = await webcrypto.subtle.generateKey(ES256, true, ['sign', 'verify'])
  const validity = {
    notBefore: new Date(Date.now() - 2 * DAY),
    notAfter: new Date(Date.now() + 30 * DAY),
    signingAlgorithm: ES256,
  }
  // both in Annex B.1: who the authority is, and where it says what it revoked; each a GeneralName that is a URI
  const uri = (text) => tlv(0x86, Buffer.from(text))
  const profile = [
    new x509.Extension('2.5.29.18', false, tlv(0x30, uri('http://localhost/iaca'))),
    new x509.Extension('2.5.29.31', false, tlv(0x30, tlv(0x30, tlv(0xa0, tlv(0xa0, uri('http://localhost/iaca.crl')))))),
  ]
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: '01',
    name: `CN=${name} IACA, C=${country}`,
    keys: caKeys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(caKeys.publicKey),
      ...profile,
    ],
  })
  const leaf = await x509.X509CertificateGenerator.create({
    ...validity,
    serialNumber: '02',
    subject: `CN=${name}, C=${country}`,
    issuer: ca.subject,
    signingKey: caKeys.privateKey,
    publicKey: leafKeys.publicKey,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(['1.0.18013.5.1.2'], true),
      await x509.AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(leafKeys.publicKey),
      ...profile,
    ],
  })
  const { ext: _1, key_ops: _2, ...privateJwk } = await exportJWK(leafKeys.privateKey)
  return {
    privateJwk: { ...privateJwk, alg: 'ES256' },
    x5c: [Buffer.from(leaf.rawData).toString('base64')],
    trustAnchorPem: ca.toString('pem'),
  }
}

/** The head of a CBOR item: its major type and a length. */
function head(major, length) {
  if (length < 24) return Buffer.from([(major << 5) | length])
  if (length < 0x100) return Buffer.from([(major << 5) | 24, length])
  const long = Buffer.from([(major << 5) | 25, 0, 0])
  long.writeUInt16BE(length, 1)
  return long
}

const cborText = (text) => Buffer.concat([head(3, Buffer.byteLength(text)), Buffer.from(text)])

/** Tag 24 over a byte string that is a CBOR item itself. */
export const embedded = (item) => Buffer.concat([Buffer.from([0xd8, 24]), head(2, item.length), item])

/** The DeviceResponse with this document, for libraries that read an mdoc only in one; nothing is encoded again. */
export function asDocument(docType, issuerSigned) {
  const document = [head(5, 2), cborText('docType'), cborText(docType), cborText('issuerSigned'), issuerSigned]
  const documents = [cborText('documents'), head(4, 1), ...document]
  const version = [cborText('version'), cborText('1.0')]
  return Buffer.concat([head(5, 3), ...version, ...documents, cborText('status'), head(0, 0)])
}

/** Where the CBOR item that starts here ends; definite lengths alone. */
function endOf(bytes, at) {
  const major = bytes[at] >> 5
  const info = bytes[at] & 31
  const size = info < 24 ? 0 : 1 << (info - 24)
  const argument = info < 24 ? info : Number(`0x${bytes.toString('hex', at + 1, at + 1 + size)}`)
  let end = at + 1 + size
  if (major === 2 || major === 3) return end + argument
  const items = { 4: argument, 5: 2 * argument, 6: 1 }[major] ?? 0
  for (let item = 0; item < items; item += 1) end = endOf(bytes, end)
  return end
}

/** The bytes of a member of the map that starts here, as they are. */
function memberOf(bytes, at, name) {
  const wanted = cborText(name)
  for (let key = at + 1; key < bytes.length; ) {
    const value = endOf(bytes, key)
    const end = endOf(bytes, value)
    if (bytes.subarray(key, value).equals(wanted)) return bytes.subarray(value, end)
    key = end
  }
  throw new Error(`no ${name} in the map`)
}

/** The IssuerSigned of the first document, as its bytes are; for libraries that put every mdoc into a response. */
export function issuerSignedIn(response) {
  const documents = memberOf(response, 0, 'documents')
  return memberOf(documents, 1, 'issuerSigned')
}
