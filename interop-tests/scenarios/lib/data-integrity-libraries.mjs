// The Data Integrity libraries, and Lanyard's core, behind one shape each: issue, derive, present, verify, nQuads.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { oracle } from './libraries.mjs'
import { answerOf, ROOT } from './process.mjs'

const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, '..', 'target')
const PEER_BIN = process.env.DATA_INTEGRITY_PEER_BIN ?? join(TARGET, 'debug', 'data-integrity-peer')

const ask = (program, args, request) => answerOf(program, args, { stdin: JSON.stringify(request) })
const js = (verb, request) => ask('node', [join(ROOT, 'peers', 'data-integrity.mjs'), verb], request)

function ours(verb, request) {
  if (!existsSync(PEER_BIN)) {
    throw new Error(`no ${PEER_BIN}: cargo build --package lanyard-testkit --features peer, or set DATA_INTEGRITY_PEER_BIN`)
  }
  return ask(PEER_BIN, [verb], request)
}

const behind = (name, program) => ({
  name,
  issue: async (request) => (await program('issue', request)).document,
  derive: async (document, pointers) => (await program('derive', { document, pointers })).document,
  present: async (request) => (await program('present', request)).document,
  verify: (request) => program('verify', request),
  nQuads: async (document) => (await program('n-quads', { document })).n_quads,
})

export const LANYARD = behind('lanyard', ours)
export const DIGITALBAZAAR = behind('digitalbazaar', js)
/** Neither presents nor derives here. */
export const SSI = behind('ssi', (verb, request) => oracle('ssi-data-integrity', verb, request))

export const SUITES = [
  ['eddsa-rdfc-2022', 'Ed25519'],
  ['ecdsa-rdfc-2019', 'P-256'],
  ['ecdsa-rdfc-2019', 'P-384'],
]

/** What signs the canonical JSON, whatever its terms mean. */
export const JCS_SUITES = [
  ['eddsa-jcs-2022', 'Ed25519'],
  ['ecdsa-jcs-2019', 'P-256'],
  ['ecdsa-jcs-2019', 'P-384'],
]

/** The cryptosuites for selective disclosure, and the kind of key each works with. */
export const SELECTIVE = [
  ['ecdsa-sd-2023', 'P-256'],
  ['bbs-2023', 'BLS12-381'],
]

/** A new private key, with the did:key that both sides name it by. */
export async function newKey(kind) {
  const { private_jwk } = await js('key', { kind })
  const probe = credential('did:example:nobody')
  const { proof } = await LANYARD.issue({ document: probe, cryptosuite: PROBE[kind], private_jwk })
  return { private_jwk, did: proof.verificationMethod.split('#')[0] }
}

const V2 = 'https://www.w3.org/ns/credentials/v2'
const PROBE = {
  Ed25519: 'eddsa-jcs-2022',
  'P-256': 'ecdsa-jcs-2019',
  'P-384': 'ecdsa-jcs-2019',
  'BLS12-381': 'bbs-2023',
}

/** As a credential, with no context of its own. */
export const plainCredential = (issuer) => ({ ...credential(issuer), '@context': [V2] })

/** Without what ssi reads as other quads: the quirks `ssi-tab`, `ssi-language-case` and `ssi-direction`. */
export function plainerCredential(issuer) {
  const document = credential(issuer)
  document.issuer.name['@language'] = 'en-gb'
  document.name = [{ '@value': 'Diploma', '@language': 'en' }, { '@value': 'دبلوم', '@language': 'ar' }]
  document.credentialSubject.givenName = 'Ada "the first"\n'
  document.credentialSubject.titles = { en: 'Countess', de: ['Gräfin', 'Frau'] }
  return document
}

/** Without unnamed nodes either: the quirk `ssi-p384-labels`. */
export function namedCredential(issuer) {
  const document = plainerCredential(issuer)
  const { degree: [degree], address } = document.credentialSubject
  Object.assign(document.credentialSubject, {
    degree: { ...degree, id: 'https://university.example/degrees/1' },
    address: { ...address, id: 'https://university.example/addresses/1' },
  })
  return document
}

/** Named and unnamed nodes, numbers, languages, directions, lists, JSON and a status. */
export const credential = (issuer) => ({
  '@context': [
    V2,
    {
      '@vocab': 'https://vocabulary.example/',
      modules: { '@id': 'https://vocabulary.example/modules', '@container': '@list' },
      raw: { '@id': 'https://vocabulary.example/raw', '@type': '@json' },
      titles: { '@id': 'https://vocabulary.example/titles', '@container': '@language' },
    },
  ],
  id: 'urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33',
  type: ['VerifiableCredential', 'Diploma'],
  issuer: { id: issuer, name: { '@value': 'University', '@language': 'EN-gb' } },
  name: [
    { '@value': 'Diploma', '@language': 'en', '@direction': 'ltr' },
    { '@value': 'دبلوم', '@language': 'ar', '@direction': 'rtl' },
  ],
  validFrom: '2024-01-01T00:00:00Z',
  credentialStatus: {
    id: 'https://issuer.example/status/1#3',
    type: 'BitstringStatusListEntry',
    statusPurpose: 'revocation',
    statusListIndex: '3',
    statusListCredential: 'https://issuer.example/status/1',
  },
  credentialSubject: {
    id: 'did:example:ada',
    givenName: 'Ada "the\tfirst"\n',
    grade: 1.5,
    year: 1843,
    passed: true,
    degree: [{ type: 'Degree', name: 'BSc' }, { type: 'Degree', name: 'MSc', by: { label: 'B' } }],
    address: { city: 'London', street: "St James's Square" },
    titles: { en: 'Countess', 'de-DE': ['Gräfin', 'Frau'] },
    raw: { b: [1, null, { z: 0.1, a: 'é' }], a: '\u2028' },
  },
})
