// did:webvh by didwebvh-ts: one JSON object on stdin, one on stdout.
//
//   create   { domain, prerotation?, witnesses? }  -> { did, log, witness_proofs }   created, rotated, updated
//   resolve  { log, witness_proofs? }              -> { did, document, metadata }
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import {
  createDID, deriveNextKeyHash, MultibaseEncoding, multibaseEncode, prepareDataForSigning, resolveDIDFromLog,
  signWitnessProofEntry, updateDID,
} from 'didwebvh-ts'
import { readStdin, run } from './lib/cli.mjs'

const ED25519 = Buffer.from([0xed, 0x01])
const base58 = (bytes) => multibaseEncode(bytes, MultibaseEncoding.BASE58_BTC)

const verifier = {
  async verify(signature, message, publicKey) {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url') }
    return verify(null, message, createPublicKey({ key: jwk, format: 'jwk' }), signature)
  },
}

function newSigner() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x, 'base64url')
  const key = base58(Buffer.concat([ED25519, raw]))
  return {
    key,
    getVerificationMethodId: () => `did:key:${key}#${key}`,
    async sign({ document, proof }) {
      return { proofValue: base58(sign(null, await prepareDataForSigning(document, proof), privateKey)) }
    },
  }
}

/** So many seconds ago, to the second. */
const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z')

await run({
  create: {
    async run() {
      const { domain, prerotation, witnesses: count = 0 } = readStdin()
      const [first, second] = [newSigner(), newSigner()]
      const witnesses = Array.from({ length: count }, newSigner)
      const witness = count > 0 && {
        threshold: count,
        witnesses: witnesses.map(({ key }) => ({ id: `did:key:${key}` })),
      }
      const next = prerotation ? [await deriveNextKeyHash(second.key)] : []
      const verificationMethods = [{ type: 'Multikey', publicKeyMultibase: first.key, purpose: 'assertionMethod' }]
      const created = await createDID({
        domain, signer: first, updateKeys: [first.key], nextKeyHashes: next, created: ago(300), verifier,
        verificationMethods, ...(witness ? { witness } : {}),
      })
      const witnessSignersByDid = Object.fromEntries(witnesses.map((signer) => [`did:key:${signer.key}`, signer]))
      const approve = ({ versionId }) =>
        signWitnessProofEntry({ versionId, witnesses: witness.witnesses, witnessSignersByDid })
      const proofs = witness ? [await approve(created.log.at(-1))] : []
      const rotated = await updateDID({
        log: created.log, updateKeys: [second.key], nextKeyHashes: [], updated: ago(200), verifier,
        signer: prerotation ? second : first, alsoKnownAs: ['https://issuer.example/'],
        ...(witness ? { witness, witnessProofs: proofs } : {}),
      })
      const witness_proofs = witness ? [...proofs, await approve(rotated.log.at(-1))] : []
      return { did: rotated.did, log: rotated.log, witness_proofs }
    },
  },
  resolve: {
    async run() {
      const { log, witness_proofs: witnessProofs } = readStdin()
      const { did, doc, meta } = await resolveDIDFromLog(log, { verifier, witnessProofs })
      if (meta.error) throw new Error(`${meta.error}: ${meta.problemDetails?.detail}`)
      return { did, document: doc, metadata: meta }
    },
  },
})
