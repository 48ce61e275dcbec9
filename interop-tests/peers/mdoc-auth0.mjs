// mdoc by @auth0/mdl: one JSON object on stdin, one on stdout. Bytes are base64url.
//
//   issue   { doctype, namespaces, issuer_private_jwk, x5c, device_jwk }                  -> { issuer_signed }
//   present { doctype, issuer_signed, elements, session_transcript, device_private_jwk }  -> { device_response }
//   verify  { device_response, session_transcript, trust_anchor_pem }                     -> { namespaces }
import { X509Certificate } from 'node:crypto'
import mdl from '@auth0/mdl'
import { readStdin, run } from './lib/cli.mjs'
import { asDocument, embedded, issuerSignedIn } from './lib/mdoc.mjs'

const bytes = (text) => Buffer.from(text, 'base64url')
const text = (bytes) => Buffer.from(bytes).toString('base64url')

await run({
  issue: {
    async run() {
      const { doctype, namespaces, issuer_private_jwk, x5c, device_jwk } = readStdin()
      const document = new mdl.Document(doctype)
      for (const [namespace, elements] of Object.entries(namespaces)) document.addIssuerNameSpace(namespace, elements)
      const issued = await document
        .useDigestAlgorithm('SHA-256')
        .addValidityInfo({ signed: new Date(Date.now() - 1000) })
        .addDeviceKeyInfo({ deviceKey: device_jwk })
        .sign({
          issuerPrivateKey: issuer_private_jwk,
          issuerCertificate: x5c.map((der) => new X509Certificate(Buffer.from(der, 'base64')).toString()),
          alg: 'ES256',
        })
      return { issuer_signed: text(issuerSignedIn(Buffer.from(new mdl.MDoc([issued]).encode()))) }
    },
  },
  present: {
    async run() {
      const { doctype, issuer_signed, elements, session_transcript, device_private_jwk } = readStdin()
      const fields = elements.map(([namespace, name]) => ({ path: [`$['${namespace}']['${name}']`], intent_to_retain: false }))
      const response = await mdl.DeviceResponse.from(asDocument(doctype, bytes(issuer_signed)))
        .usingPresentationDefinition({
          id: 'one',
          input_descriptors: [
            { id: doctype, format: { mso_mdoc: { alg: ['ES256'] } }, constraints: { limit_disclosure: 'required', fields } },
          ],
        })
        .usingSessionTranscriptBytes(embedded(bytes(session_transcript)))
        .authenticateWithSignature(device_private_jwk, 'ES256')
        .sign()
      return { device_response: text(response.encode()) }
    },
  },
  verify: {
    async run() {
      const { device_response, session_transcript, trust_anchor_pem } = readStdin()
      const { documents } = await new mdl.Verifier([trust_anchor_pem]).verify(bytes(device_response), {
        encodedSessionTranscript: embedded(bytes(session_transcript)),
      })
      const [document] = documents
      const names = document.issuerSignedNameSpaces
      return { namespaces: Object.fromEntries(names.map((name) => [name, document.getIssuerNameSpace(name)])) }
    },
  },
})
