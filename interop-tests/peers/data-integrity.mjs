// Data Integrity by @digitalbazaar/vc and its cryptosuites: one JSON object on stdin, one on stdout.
//
//   key     { kind }                                                                   -> { private_jwk }
//   issue   { document, cryptosuite, private_jwk, mandatory? }                         -> { document }
//   derive  { document, pointers }                                                     -> { document }
//   present { credential, cryptosuite, private_jwk, challenge, domain }                -> { document }
//   verify  { document, cryptosuite, challenge?, domain? }                             -> { controller }
//   n-quads { document }                                                               -> { n_quads }
import { webcrypto } from 'node:crypto'
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
import jsonld from 'jsonld'
import { readStdin, run } from './lib/cli.mjs'

const KINDS = {
  Ed25519: { name: 'Ed25519' },
  'P-256': { name: 'ECDSA', namedCurve: 'P-256' },
  'P-384': { name: 'ECDSA', namedCurve: 'P-384' },
}

const BLS = 'BLS12-381'

const SELECTIVE = { 'ecdsa-sd-2023': ecdsaSd2023, 'bbs-2023': bbs2023 }

/** The cryptosuites that are one thing for signing and another for verifying. */
const TWO_SIDED = { ...SELECTIVE, 'eddsa-jcs-2022': eddsaJcs2022, 'ecdsa-jcs-2019': ecdsaJcs2019 }

await run({
  key: {
    async run() {
      const { kind } = readStdin()
      if (kind === BLS) {
        const keyPair = await BlsMultikey.generateBbsKeyPair({ algorithm: BlsMultikey.ALGORITHMS.BBS_BLS12381_SHA256 })
        return { private_jwk: await BlsMultikey.toJwk({ keyPair, secretKey: true }) }
      }
      const { privateKey } = await webcrypto.subtle.generateKey(KINDS[kind], true, ['sign', 'verify'])
      const { key_ops, ext, alg, ...private_jwk } = await webcrypto.subtle.exportKey('jwk', privateKey)
      return { private_jwk }
    },
  },
  issue: {
    async run() {
      const { document, cryptosuite, private_jwk, mandatory } = readStdin()
      const suite = new DataIntegrityProof({
        signer: (await keyPair(private_jwk)).signer(),
        cryptosuite: signing(cryptosuite, mandatory),
      })
      return { document: await vc.issue({ credential: document, suite, documentLoader }) }
    },
  },
  derive: {
    async run() {
      const { document, pointers } = readStdin()
      const selective = SELECTIVE[document.proof.cryptosuite]
      const cryptosuite = selective.createDiscloseCryptosuite({ selectivePointers: pointers })
      const suite = new DataIntegrityProof({ cryptosuite })
      return { document: await vc.derive({ verifiableCredential: document, suite, documentLoader }) }
    },
  },
  present: {
    async run() {
      const { credential, cryptosuite, private_jwk, challenge, domain } = readStdin()
      const pair = await keyPair(private_jwk)
      const suite = new DataIntegrityProof({ signer: pair.signer(), cryptosuite: signing(cryptosuite) })
      const presentation = vc.createPresentation({ verifiableCredential: credential, holder: pair.controller })
      return { document: await vc.signPresentation({ presentation, suite, challenge, domain, documentLoader }) }
    },
  },
  verify: {
    async run() {
      const { document, cryptosuite, challenge, domain } = readStdin()
      const suites = [cryptosuite].flat().map((name) =>
        new DataIntegrityProof({ cryptosuite: TWO_SIDED[name]?.createVerifyCryptosuite() ?? whole(name) }),
      )
      // the proofs are what this is about: status lists are fetched by nobody here
      const options = { suite: suites, documentLoader, checkStatus: async () => ({ verified: true }) }
      const result = challenge
        ? await vc.verify({ ...options, presentation: document, challenge, domain })
        : await vc.verifyCredential({ ...options, credential: document })
      if (!result.verified) throw new Error('not verified', { cause: causeOf(result) })
      return { controller: document.proof.verificationMethod.split('#')[0] }
    },
  },
  'n-quads': {
    async run() {
      const { document } = readStdin()
      const options = { algorithm: 'RDFC-1.0', format: 'application/n-quads', rdfDirection: 'i18n-datatype' }
      return { n_quads: await jsonld.canonize(document, { ...options, base: null, safe: true, documentLoader }) }
    },
  },
})

function signing(name, mandatoryPointers) {
  return TWO_SIDED[name]?.createSignCryptosuite({ mandatoryPointers }) ?? whole(name)
}

function whole(name) {
  return { 'eddsa-rdfc-2022': eddsaRdfc2022, 'ecdsa-rdfc-2019': ecdsaRdfc2019 }[name]
}

/** A key pair under its did:key. */
async function keyPair(jwk) {
  const { fromJwk } = { Ed25519: Ed25519Multikey, Bls12381G2: BlsMultikey }[jwk.crv] ?? EcdsaMultikey
  const pair = await fromJwk({ jwk, secretKey: true })
  const { publicKeyMultibase } = await pair.export({ publicKey: true })
  pair.controller = `did:key:${publicKeyMultibase}`
  pair.id = `${pair.controller}#${publicKeyMultibase}`
  return pair
}

/** The contexts that come with the library, and did:key. */
async function documentLoader(url) {
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

/** The library's errors are lists in lists. */
function causeOf({ error, credentialResults = [] }) {
  const errors = [error, ...credentialResults.map((result) => result.error)].filter(Boolean)
  const inner = errors.flatMap((one) => one.errors ?? [one])
  return new Error(inner.map((one) => `${one.name}: ${one.message}`).join('; '))
}
