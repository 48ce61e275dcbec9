// What @owf/mdoc leaves to its caller: digests, signatures and certificates, by node:crypto.
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify, X509Certificate } from 'node:crypto'
import { CoseKey } from '@owf/mdoc'
import { verifyChain } from './x509.mjs'

const HASHES = { 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' }
const asBase64 = (certificates) => certificates.map((der) => Buffer.from(der).toString('base64'))
const asPem = (der) => new X509Certificate(der).toString()
const notNeeded = () => {
  throw new Error('MACs are of the proximity flow')
}

export const context = {
  crypto: {
    random: (length) => new Uint8Array(randomBytes(length)),
    digest: ({ digestAlgorithm, bytes }) => new Uint8Array(createHash(HASHES[digestAlgorithm]).update(bytes).digest()),
    calculateEphemeralMacKey: notNeeded,
  },
  cose: {
    sign1: {
      sign({ toBeSigned, key: { jwk } }) {
        const { kty, crv, x, y, d } = jwk
        const key = createPrivateKey({ key: { kty, crv, x, y, d }, format: 'jwk' })
        return new Uint8Array(sign('sha256', toBeSigned, { key, dsaEncoding: 'ieee-p1363' }))
      },
      verify({ sign1, key: { jwk } }) {
        const { kty, crv, x, y } = jwk
        const key = createPublicKey({ key: { kty, crv, x, y }, format: 'jwk' })
        return verify('sha256', sign1.toBeSigned, { key, dsaEncoding: 'ieee-p1363' }, sign1.signature)
      },
    },
    mac0: { sign: notNeeded, verify: notNeeded },
  },
  x509: {
    getIssuerNameField({ certificate, field }) {
      const lines = new X509Certificate(certificate).issuer.split('\n').map((line) => line.split('='))
      return lines.filter(([name]) => name === field).map(([, value]) => value)
    },
    getPublicKey: ({ certificate }) =>
      CoseKey.fromJwk(new X509Certificate(certificate).publicKey.export({ format: 'jwk' })),
    verifyCertificateChain({ trustedCertificates, x5chain, now }) {
      verifyChain(asBase64(x5chain), trustedCertificates.map(asPem), now)
    },
    getCertificateData({ certificate }) {
      const { issuer, subject, serialNumber, fingerprint256, validFrom, validTo } = new X509Certificate(certificate)
      return {
        issuerName: issuer,
        subjectName: subject,
        serialNumber,
        thumbprint: fingerprint256,
        notBefore: new Date(validFrom),
        notAfter: new Date(validTo),
        pem: asPem(certificate),
      }
    },
  },
}
