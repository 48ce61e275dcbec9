// did:jwk by its own text: what the libraries leave to a resolver that their caller brings.

export const didJwkOf = (publicJwk) => `did:jwk:${Buffer.from(JSON.stringify(publicJwk)).toString('base64url')}`

/** The public JWK that a did:jwk, or its DID URL, stands for. */
export const jwkOfDidJwk = (didUrl) => JSON.parse(Buffer.from(didUrl.split('#')[0].slice('did:jwk:'.length), 'base64url'))

/** A `Resolvable` in the words of did-resolver. */
export const didJwkResolver = {
  async resolve(didUrl) {
    const [did] = didUrl.split('#')
    const publicKeyJwk = jwkOfDidJwk(did)
    const id = `${did}#0`
    const didDocument = {
      '@context': ['https://www.w3.org/ns/did/v1'],
      id: did,
      verificationMethod: [{ id, type: 'JsonWebKey2020', controller: did, publicKeyJwk }],
      authentication: [id],
      assertionMethod: [id],
    }
    return { didDocument, didResolutionMetadata: {}, didDocumentMetadata: {} }
  },
}
