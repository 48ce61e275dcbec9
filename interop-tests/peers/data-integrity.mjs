// Data Integrity by @digitalbazaar/vc and its cryptosuites: one JSON object on stdin, one on stdout.
//
//   key     { kind }                                                                   -> { private_jwk }
//   issue   { document, cryptosuite, private_jwk, mandatory? }                         -> { document }
//   derive  { document, pointers }                                                     -> { document }
//   present { credential, cryptosuite, private_jwk, challenge, domain }                -> { document }
//   verify  { document, cryptosuite, challenge?, domain? }                             -> { controller }
//   n-quads { document }                                                               -> { n_quads }
import { webcrypto } from 'node:crypto'
import * as BlsMultikey from '@digitalbazaar/bls12-381-multikey'
import * as vc from '@digitalbazaar/vc'
import jsonld from 'jsonld'
import { readStdin, run } from './lib/cli.mjs'
import { disclosingSuite, documentLoader, keyPair, signingSuite, verifyingSuite } from './lib/data-integrity.mjs'

const KINDS = {
  Ed25519: { name: 'Ed25519' },
  'P-256': { name: 'ECDSA', namedCurve: 'P-256' },
  'P-384': { name: 'ECDSA', namedCurve: 'P-384' },
}

const BLS = 'BLS12-381'

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
      const suite = signingSuite(cryptosuite, await keyPair(private_jwk), mandatory)
      return { document: await vc.issue({ credential: document, suite, documentLoader }) }
    },
  },
  derive: {
    async run() {
      const { document, pointers } = readStdin()
      const suite = disclosingSuite(document.proof.cryptosuite, pointers)
      return { document: await vc.derive({ verifiableCredential: document, suite, documentLoader }) }
    },
  },
  present: {
    async run() {
      const { credential, cryptosuite, private_jwk, challenge, domain } = readStdin()
      const pair = await keyPair(private_jwk)
      const suite = signingSuite(cryptosuite, pair)
      const presentation = vc.createPresentation({ verifiableCredential: credential, holder: pair.controller })
      return { document: await vc.signPresentation({ presentation, suite, challenge, domain, documentLoader }) }
    },
  },
  verify: {
    async run() {
      const { document, cryptosuite, challenge, domain } = readStdin()
      const suites = [cryptosuite].flat().map(verifyingSuite)
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

/** The library's errors are lists in lists. */
function causeOf({ error, credentialResults = [] }) {
  const errors = [error, ...credentialResults.map((result) => result.error)].filter(Boolean)
  const inner = errors.flatMap((one) => one.errors ?? [one])
  return new Error(inner.map((one) => `${one.name}: ${one.message}`).join('; '))
}
