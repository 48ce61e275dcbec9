// ISO/IEC 18013-7 Annex C as a wallet has it: the DeviceRequest is read by @owf/mdoc, the response sealed by
// @hpke/core. Neither package has the annex itself, so its few structures are put together here.
import { Aes128Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core'
import { cborDecode, cborEncode, DeviceRequest } from '@owf/mdoc'
import { createHash, createPublicKey } from 'node:crypto'
import { asDcqlCredential, ForeignTranscript, present } from './mdoc-wallet.mjs'

const bytes = (text) => new Uint8Array(Buffer.from(text, 'base64url'))
const text = (bytes) => Buffer.from(bytes).toString('base64url')

/** The `data` of the answer: every element that is asked for of the first document that is held. */
export async function answer({ deviceRequest, encryptionInfo }, origin, wallet) {
  const [name, parameters] = cborDecode(bytes(encryptionInfo))
  if (name !== 'dcapi') throw new Error(`encryptionInfo is ${name}`)
  const info = createHash('sha256').update(cborEncode([encryptionInfo, origin])).digest()
  const transcript = new ForeignTranscript(['dcapi', new Uint8Array(info)])

  const { docRequests } = DeviceRequest.decode(bytes(deviceRequest))
  const { docType, namespaces } = docRequests[0].itemsRequest
  const held = wallet.credentials.find(
    ({ format, credential }) => format === 'mso_mdoc' && asDcqlCredential(credential).doctype === docType,
  )
  if (!held) throw new Error(`no ${docType} is held`)
  const elements = [...namespaces].flatMap(([namespace, names]) => [...names.keys()].map((one) => [namespace, one]))
  const response = await present({ ...held, elements, transcript })

  const suite = new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes128Gcm() })
  const recipientPublicKey = await suite.kem.importKey('raw', rawPoint(parameters.get('recipientPublicKey')).buffer, true)
  const sender = await suite.createSenderContext({ recipientPublicKey, info: cborEncode(transcript.encodedStructure) })
  const cipherText = new Uint8Array(await sender.seal(bytes(response).buffer))
  const sealed = new Map([['enc', new Uint8Array(sender.enc)], ['cipherText', cipherText]])
  return { response: text(cborEncode(['dcapi', sealed])) }
}

/** A COSE_Key of P-256 as an uncompressed point; read by way of a JWK, so that it is on its curve. */
function rawPoint(key) {
  const jwk = { kty: 'EC', crv: 'P-256', x: text(key.get(-2)), y: text(key.get(-3)) }
  createPublicKey({ key: jwk, format: 'jwk' })
  return new Uint8Array([4, ...key.get(-2), ...key.get(-3)])
}
