// did:key for ECDSA keys, on @digitalbazaar/ecdsa-multikey.
import * as EcdsaMultikey from '@digitalbazaar/ecdsa-multikey'

/** The DID URL of a key. */
export async function didKeyUrlOf(publicJwk) {
  const { publicKeyMultibase } = await (await EcdsaMultikey.fromJwk({ jwk: publicJwk })).export({ publicKey: true })
  return `did:key:${publicKeyMultibase}#${publicKeyMultibase}`
}

/** The public JWK that a did:key, or its DID URL, stands for. */
export async function jwkOfDidKey(didUrl) {
  const [did] = didUrl.split('#')
  const publicKeyMultibase = did.slice('did:key:'.length)
  const method = { type: 'Multikey', id: `${did}#${publicKeyMultibase}`, controller: did, publicKeyMultibase }
  return EcdsaMultikey.toJwk({ keyPair: await EcdsaMultikey.from(method) })
}
