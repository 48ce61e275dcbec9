// The libraries from npm on the workloads of the benches, each operation by its name: `{ name: () => promise }`.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createPrivateKey, createPublicKey, sign, verify, X509Certificate } from 'node:crypto'
import * as BlsMultikey from '@digitalbazaar/bls12-381-multikey'
import * as vc from '@digitalbazaar/vc'
import { DateOnly } from '@owf/mdoc'
import { digest, generateSalt } from '@sd-jwt/crypto-nodejs'
import { getListFromStatusListJWT } from '@sd-jwt/jwt-status-list'
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc'
import { importJWK, jwtVerify } from 'jose'
import {
  disclosingSuite, documentLoader, keyPair, signingSuite, verifyingSuite,
} from '../peers/lib/data-integrity.mjs'
import * as mdoc from '../peers/lib/mdoc-wallet.mjs'
import { ROOT } from '../scenarios/lib/process.mjs'

const FOLDER = process.env.LANYARD_BENCH ?? join(ROOT, '..', '..', 'shared', 'bench')
const workload = (name) => JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8'))

export async function operations() {
  return { ...sdJwts(), ...mdocs(), ...(await dataIntegrity()), ...(await bbs()), ...(await statusList()) }
}

/** Keys are read once, and signatures are OpenSSL's: as fast as the library can be. */
function sdJwts() {
  const { issuer_jwk, payload, disclosable, credential, presentation, nonce } = workload('sdjwt')
  const encoding = (key) => ({ key, dsaEncoding: 'ieee-p1363' })
  const signer = (jwk) => {
    const key = createPrivateKey({ key: jwk, format: 'jwk' })
    return async (input) => sign('sha256', Buffer.from(input), encoding(key)).toString('base64url')
  }
  const verifier = (jwk) => {
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    return async (input, signature) =>
      verify('sha256', Buffer.from(input), encoding(key), Buffer.from(signature, 'base64url'))
  }
  const kbVerifier = verifier(payload.cnf.jwk)
  const instance = new SDJwtVcInstance({
    hasher: digest, hashAlg: 'sha-256', saltGenerator: generateSalt,
    signer: signer(issuer_jwk), signAlg: 'ES256', verifier: verifier(issuer_jwk), kbVerifier,
  })
  // the status is no part of the workload
  instance.verifyStatus = async () => {}
  const { status: _, ...claims } = payload
  return {
    'SD-JWT VC issue': () => instance.issue(claims, { _sd: disclosable }),
    'SD-JWT VC verify': () => instance.verify(credential),
    'SD-JWT VC verify presentation': () => instance.verify(presentation, { keyBindingNonce: nonce }),
  }
}

function mdocs() {
  const { doctype, namespaces, ds_jwk, ds_cert, iaca_cert, device_jwk, device_response, request } = workload('mdoc')
  const { d: _, ...deviceJwk } = device_jwk
  const pem = new X509Certificate(Buffer.from(iaca_cert, 'base64')).toString()
  const exchange = { clientId: request.clientId, nonce: request.nonce, responseUri: request.responseUri, key: request.encJwk }
  const signer = { privateJwk: { ...ds_jwk, alg: 'ES256' }, x5c: [ds_cert] }
  return {
    'mdoc issue': () => mdoc.issue({ doctype, namespaces: typed(namespaces), ...signer, deviceJwk }),
    'mdoc verify': () => mdoc.verify({ presentation: device_response, trustAnchors: [pem], ...exchange }),
  }
}

/** `{"$date": x}` is a full-date, `{"$bytes": x}` a byte string. */
function typed(value) {
  if (value?.$date) return new DateOnly(value.$date)
  if (value?.$bytes) return new Uint8Array(Buffer.from(value.$bytes, 'base64url'))
  if (Array.isArray(value)) return value.map(typed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, typed(one)]))
}

async function dataIntegrity() {
  const { credential, signed, issuer_jwk } = workload('vc-eddsa-rdfc-2022')
  const pair = await keyPair(issuer_jwk)
  const name = 'eddsa-rdfc-2022'
  return {
    'eddsa-rdfc-2022 sign': () =>
      vc.issue({ credential: structuredClone(credential), suite: signingSuite(name, pair), documentLoader }),
    'eddsa-rdfc-2022 verify': () => verified({ credential: signed, suite: verifyingSuite(name) }),
  }
}

async function bbs() {
  const { credential, key, mandatory_pointers, selective_pointers, base, derived } = workload('vc-bbs-2023')
  const pair = await BlsMultikey.from(key)
  const name = 'bbs-2023'
  return {
    'bbs-2023 sign': () =>
      vc.issue({
        credential: structuredClone(credential), suite: signingSuite(name, pair, mandatory_pointers), documentLoader,
      }),
    'bbs-2023 derive': () =>
      vc.derive({ verifiableCredential: base, suite: disclosingSuite(name, selective_pointers), documentLoader }),
    'bbs-2023 verify': () => verified({ credential: derived, suite: verifyingSuite(name) }),
  }
}

async function verified(options) {
  const { verified, error } = await vc.verifyCredential({ ...options, documentLoader })
  if (!verified) throw error
}

async function statusList() {
  const { issuer_jwk, token } = workload('status-list')
  const key = await importJWK(issuer_jwk, 'ES256')
  return {
    'status check': async () => {
      await jwtVerify(token, key, { typ: 'statuslist+jwt' })
      if (getListFromStatusListJWT(token).getStatus(412) !== 0) throw new Error('entry 412 is 0')
    },
  }
}
