// What every use of @digitalbazaar/vc needs: cryptosuites by their names, key pairs under their did:key, and documents
// that are never fetched.
import * as bbs2023 from '@digitalbazaar/bbs-2023-cryptosuite'
import * as BlsMultikey from '@digitalbazaar/bls12-381-multikey'
import { DataIntegrityProof } from '@digitalbazaar/data-integrity'
import * as ecdsaJcs2019 from '@digitalbazaar/ecdsa-jcs-2019-cryptosuite'
import * as EcdsaMultikey from '@digitalbazaar/ecdsa-multikey'
import { cryptosuite as ecdsaRdfc2019 } from '@digitalbazaar/ecdsa-rdfc-2019-cryptosuite'
import * as ecdsaSd2023 from '@digitalbazaar/ecdsa-sd-2023-cryptosuite'
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey'
import * as eddsaJcs2022 from '@digitalbazaar/eddsa-jcs-2022-cryptosuite'
import { cryptosuite as eddsaRdfc2022 } from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite'
import * as vc from '@digitalbazaar/vc'
import { didJwkResolver } from './did-jwk.mjs'

const SELECTIVE = { 'ecdsa-sd-2023': ecdsaSd2023, 'bbs-2023': bbs2023 }

/** The cryptosuites that are one thing for signing and another for verifying. */
const TWO_SIDED = { ...SELECTIVE, 'eddsa-jcs-2022': eddsaJcs2022, 'ecdsa-jcs-2019': ecdsaJcs2019 }

/** A suite that signs with a key pair. */
export const signingSuite = (name, pair, mandatoryPointers) =>
  new DataIntegrityProof({ signer: pair.signer(), cryptosuite: signing(name, mandatoryPointers) })

/** A suite that makes one presentation's proof from what the issuer signed. */
export const disclosingSuite = (name, selectivePointers) =>
  new DataIntegrityProof({ cryptosuite: SELECTIVE[name].createDiscloseCryptosuite({ selectivePointers }) })

export const verifyingSuite = (name) =>
  new DataIntegrityProof({ cryptosuite: TWO_SIDED[name]?.createVerifyCryptosuite() ?? whole(name) })

function signing(name, mandatoryPointers) {
  return TWO_SIDED[name]?.createSignCryptosuite({ mandatoryPointers }) ?? whole(name)
}

function whole(name) {
  return { 'eddsa-rdfc-2022': eddsaRdfc2022, 'ecdsa-rdfc-2019': ecdsaRdfc2019 }[name]
}

/** A key pair under its did:key. */
export async function keyPair(jwk) {
  const { fromJwk } = { Ed25519: Ed25519Multikey, Bls12381G2: BlsMultikey }[jwk.crv] ?? EcdsaMultikey
  const pair = await fromJwk({ jwk, secretKey: true })
  const { publicKeyMultibase } = await pair.export({ publicKey: true })
  pair.controller = `did:key:${publicKeyMultibase}`
  pair.id = `${pair.controller}#${publicKeyMultibase}`
  return pair
}

/** The one context of the workloads that the library does not bring. */
const EXAMPLES = 'https://www.w3.org/ns/credentials/examples/v2'
const EXAMPLES_CONTEXT = { '@context': { '@vocab': 'https://www.w3.org/ns/credentials/examples#' } }

/** The contexts that come with the library, that of the examples, did:key and did:jwk. */
export async function documentLoader(url) {
  if (url === EXAMPLES) return { contextUrl: null, documentUrl: url, document: EXAMPLES_CONTEXT }
  if (url.startsWith('did:jwk:')) return { contextUrl: null, documentUrl: url, document: await didJwkDocument(url) }
  if (!url.startsWith('did:key:')) return vc.defaultDocumentLoader(url)
  const [did, fragment] = url.split('#')
  const publicKeyMultibase = did.slice('did:key:'.length)
  const id = `${did}#${publicKeyMultibase}`
  const method = { id, type: 'Multikey', controller: did, publicKeyMultibase }
  const document = fragment
    ? { '@context': 'https://w3id.org/security/multikey/v1', ...method }
    : {
        '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
        id: did,
        verificationMethod: [method],
        assertionMethod: [id],
        authentication: [id],
      }
  return { contextUrl: null, documentUrl: url, document }
}

/** The document of a did:jwk, or of its one key. */
async function didJwkDocument(url) {
  const { didDocument } = await didJwkResolver.resolve(url)
  const [method] = didDocument.verificationMethod
  return url.includes('#') ? { '@context': 'https://w3id.org/security/jwk/v1', ...method, type: 'JsonWebKey' } : didDocument
}
