// A throw-away certificate authority for one run, and the chain check the JavaScript peers use.
import 'reflect-metadata'
import { X509Certificate, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { exportJWK } from 'jose'

const ES256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY = 24 * 60 * 60 * 1000
x509.cryptoProvider.set(webcrypto)

/** A new CA with one leaf: `x5c` is the chain without the anchor, as HAIP wants it. */
export async function newSigner({ name, dns = [], uris = [], days = 30 }) {
  const caKeys = await webcrypto.subtle.generateKey(ES256, true, ['sign', 'verify'])
  const leafKeys = await webcrypto.subtle.generateKey(ES256, true, ['sign', 'verify'])
  const notBefore = new Date(Date.now() - 5 * 60 * 1000)
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${name} test CA`,
    notBefore,
    notAfter: new Date(Date.now() + days * DAY),
    keys: caKeys,
    signingAlgorithm: ES256,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  })
  const names = [
    ...dns.map((value) => ({ type: 'dns', value })),
    ...uris.map((value) => ({ type: 'url', value })),
  ]
  const leaf = await x509.X509CertificateGenerator.create({
    serialNumber: '02',
    subject: `CN=${name}`,
    issuer: ca.subject,
    notBefore,
    notAfter: new Date(Date.now() + days * DAY),
    signingKey: caKeys.privateKey,
    publicKey: leafKeys.publicKey,
    signingAlgorithm: ES256,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
      await x509.AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(leafKeys.publicKey),
    ],
  })
  const { ext: _1, key_ops: _2, ...privateJwk } = await exportJWK(leafKeys.privateKey)
  return {
    privateJwk: { ...privateJwk, alg: 'ES256' },
    x5c: [Buffer.from(leaf.rawData).toString('base64')],
    trustAnchorPem: ca.toString('pem'),
  }
}

/** The public JWK of the leaf when the chain ends at one of the anchors; throws otherwise. */
export function verifyChain(x5c, anchorPems, now = new Date()) {
  const chain = x5c.map((der) => new X509Certificate(Buffer.from(der, 'base64')))
  const anchors = anchorPems.map((pem) => new X509Certificate(pem))
  const path = [...chain]
  const last = chain.at(-1)
  const anchor = anchors.find((candidate) => last.checkIssued(candidate) && last.verify(candidate.publicKey))
  if (!anchor) throw new Error('the certificate chain does not end at a trust anchor')
  path.push(anchor)
  for (let index = 0; index + 1 < path.length; index += 1) {
    const [subject, issuer] = [path[index], path[index + 1]]
    if (!issuer.ca) throw new Error('a certificate in the chain was signed by one that is no CA')
    if (!subject.checkIssued(issuer) || !subject.verify(issuer.publicKey)) throw new Error('the chain is broken')
  }
  for (const certificate of path) {
    const [from, to] = [new Date(certificate.validFrom), new Date(certificate.validTo)]
    if (now < from || now > to) throw new Error('a certificate in the chain is outside its validity')
  }
  return chain[0].publicKey.export({ format: 'jwk' })
}

/** The DNS and URI names of a leaf, in the form openid4vc-ts asks for. */
export function subjectAlternativeNames(der) {
  const certificate = new x509.X509Certificate(der)
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.toJSON() ?? []
  return {
    sanDnsNames: names.filter(({ type }) => type === 'dns').map(({ value }) => value),
    sanUriNames: names.filter(({ type }) => type === 'url').map(({ value }) => value),
  }
}
