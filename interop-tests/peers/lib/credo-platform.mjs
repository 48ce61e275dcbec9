// What Credo asks of its platform: storage and a key management service. Its packages for that bring native
// libraries (askar) or are not published in this version (@credo-ts/node), so this is both, in memory.
import { EventEmitter } from 'node:events'
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
  randomUUID,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto'
import {
  Agent,
  ConsoleLogger,
  InjectionSymbols,
  JsonTransformer,
  Kms,
  LogLevel,
  RecordDuplicateError,
  RecordNotFoundError,
  StorageVersionRecord,
  X509Certificate,
  X509Module,
} from '@credo-ts/core'

/** An initialised agent that trusts these certificates (PEM); `modules` come beside storage and keys. */
export async function newAgent({ trustedCertificates = [], modules }) {
  const keys = new KeysInMemory()
  const agent = new Agent({
    config: {
      allowInsecureHttpUrls: true,
      logger: new ConsoleLogger(process.env.PEER_DEBUG ? LogLevel.warn : LogLevel.off),
    },
    dependencies: { FileSystem: NoFileSystem, EventEmitterClass: EventEmitter, fetch, WebSocketClass: NoWebSocket },
    modules: {
      platform: new InMemory(keys),
      x509: new X509Module({ trustedCertificates: trustedCertificates.map(derOf) }),
      ...modules,
    },
  })
  await agent.initialize()
  return agent
}

const derOf = (pem) => pem.replace(/-----[A-Z ]+-----|\s/g, '')

/** Puts the key of a test CA's leaf into the agent and answers the certificate in the form Credo signs with. */
export async function importSigner(agent, { privateJwk, x5c }) {
  const { alg: _, ...jwk } = privateJwk
  const { keyId } = await agent.kms.importKey({ privateJwk: jwk })
  const certificate = X509Certificate.fromEncodedCertificate(x5c[0])
  certificate.publicJwk.keyId = keyId
  return certificate
}

/** Puts a key into the agent: the did:jwk that Credo makes of it, and the DID URL of its key. */
export async function importPerson(agent, { kty, crv, x, y, d }) {
  // Credo finds a key that a `cnf` holds by this name alone
  const { legacyKeyId: kid } = Kms.PublicJwk.fromPublicJwk({ kty, crv, x, y })
  const { keyId } = await agent.kms.importKey({ privateJwk: { kty, crv, x, y, d, kid } })
  const { didState } = await agent.dids.create({ method: 'jwk', options: { keyId } })
  if (!didState.did) throw new Error(didState.reason)
  return { did: didState.did, keyId: `${didState.did}#0` }
}

class InMemory {
  constructor(keys) {
    this.keys = keys
    this.storage = new RecordsInMemory()
  }

  register(dependencyManager) {
    dependencyManager.registerInstance(InjectionSymbols.StorageService, this.storage)
    dependencyManager.resolve(Kms.KeyManagementModuleConfig).registerBackend(this.keys)
  }
}

/** Records as JSON, found by type and tags. One context: the peers use no tenants. */
class RecordsInMemory {
  supportsCursorPagination = false
  #rows = new Map()

  /** Without this record Credo takes the storage for one of an older version. */
  constructor() {
    this.#put(new StorageVersionRecord({ storageVersion: StorageVersionRecord.frameworkStorageVersion }))
  }

  async save(_context, record) {
    if (this.#rows.has(record.id)) throw new RecordDuplicateError('already there', { recordType: record.type })
    this.#put(record)
  }

  async update(_context, record) {
    this.#row(record.type, record.id)
    this.#put(record)
  }

  async delete(_context, record) {
    this.#row(record.type, record.id)
    this.#rows.delete(record.id)
  }

  async deleteById(_context, { type }, id) {
    this.#row(type, id)
    this.#rows.delete(id)
  }

  async getById(_context, recordClass, id) {
    return toRecord(this.#row(recordClass.type, id), recordClass)
  }

  async getAll(context, recordClass) {
    return this.findByQuery(context, recordClass, {})
  }

  async findByQuery(_context, recordClass, query, { offset = 0, limit } = {}) {
    const found = [...this.#rows.values()].filter((row) => row.type === recordClass.type && matches(row.tags, query))
    return found
      .slice(offset, limit === undefined ? undefined : offset + limit)
      .map((row) => toRecord(row, recordClass))
  }

  #put(record) {
    record.updatedAt = new Date()
    const { _tags, ...value } = JsonTransformer.toJSON(record)
    this.#rows.set(record.id, { id: record.id, type: record.type, tags: record.getTags(), value })
  }

  #row(type, id) {
    const row = this.#rows.get(id)
    if (!row || row.type !== type) throw new RecordNotFoundError(`no record ${id}`, { recordType: type })
    return row
  }
}

function toRecord({ id, tags, value }, recordClass) {
  const record = JsonTransformer.fromJSON(value, recordClass)
  record.id = id
  record.replaceTags(tags)
  return record
}

function matches(tags, { $and = [], $or, $not, ...simple }) {
  return (
    $and.every((query) => matches(tags, query)) &&
    (!$or || $or.some((query) => matches(tags, query))) &&
    (!$not || !matches(tags, $not)) &&
    Object.entries(simple).every(([name, wanted]) => {
      if (wanted === undefined) return true
      if (Array.isArray(wanted)) return wanted.every((value) => tags[name]?.includes(value))
      return tags[name] === wanted
    })
  )
}

const SIGNING = { ES256: 'P-256', EdDSA: 'Ed25519' }
const CONTENT_KEY_BITS = { A128GCM: 128, A256GCM: 256 }

/** Keys for ES256, EdDSA and ECDH-ES with AES-GCM, on node:crypto. */
class KeysInMemory {
  backend = 'memory'
  #privateJwks = new Map()

  isOperationSupported(_context, { operation, type, privateJwk, algorithm, encryption, decryption, keyAgreement }) {
    switch (operation) {
      case 'createKey':
        return ['P-256', 'Ed25519'].includes(type.crv)
      case 'importKey':
        return ['P-256', 'Ed25519'].includes(privateJwk.crv)
      case 'sign':
      case 'verify':
        return algorithm in SIGNING
      case 'encrypt':
      case 'decrypt':
        return (encryption ?? decryption).algorithm in CONTENT_KEY_BITS && keyAgreement?.algorithm === 'ECDH-ES'
      default:
        return operation === 'deleteKey' || operation === 'randomBytes'
    }
  }

  randomBytes(_context, { length }) {
    return new Uint8Array(randomBytes(length))
  }

  async getPublicKey(_context, keyId) {
    const jwk = this.#privateJwks.get(keyId)
    return jwk ? withoutPrivate(jwk) : null
  }

  async createKey(_context, { type, keyId }) {
    const { privateKey } =
      type.kty === 'EC' ? generateKeyPairSync('ec', { namedCurve: type.crv }) : generateKeyPairSync('ed25519')
    return this.#keep(privateKey.export({ format: 'jwk' }), keyId)
  }

  async importKey(_context, { privateJwk }) {
    createPrivateKey({ format: 'jwk', key: privateJwk })
    return this.#keep(privateJwk, privateJwk.kid)
  }

  async deleteKey(_context, { keyId }) {
    return this.#privateJwks.delete(keyId)
  }

  async sign(_context, { keyId, algorithm, data }) {
    const key = createPrivateKey({ format: 'jwk', key: this.#named(keyId) })
    return { signature: new Uint8Array(signBytes(hashOf(algorithm), data, { key, dsaEncoding: 'ieee-p1363' })) }
  }

  async verify(_context, { key: { keyId, publicJwk }, algorithm, data, signature }) {
    const jwk = withoutPrivate(keyId ? this.#named(keyId) : publicJwk)
    if (SIGNING[algorithm] !== jwk.crv) return { verified: false }
    const key = createPublicKey({ format: 'jwk', key: jwk })
    const verified = verifyBytes(hashOf(algorithm), data, { key, dsaEncoding: 'ieee-p1363' }, signature)
    return verified ? { verified, publicJwk: jwk } : { verified }
  }

  async encrypt(_context, { key, encryption, data }) {
    const iv = randomBytes(12)
    const contentKey = this.#agree(key.keyAgreement, encryption.algorithm)
    const cipher = createCipheriv(nodeName(encryption.algorithm), contentKey, iv)
    if (encryption.aad) cipher.setAAD(encryption.aad)
    const encrypted = Buffer.concat([cipher.update(data), cipher.final()])
    return { encrypted: new Uint8Array(encrypted), iv: new Uint8Array(iv), tag: new Uint8Array(cipher.getAuthTag()) }
  }

  async decrypt(_context, { key, decryption, encrypted }) {
    const contentKey = this.#agree(key.keyAgreement, decryption.algorithm)
    const decipher = createDecipheriv(nodeName(decryption.algorithm), contentKey, decryption.iv, { authTagLength: 16 })
    if (decryption.aad) decipher.setAAD(decryption.aad)
    decipher.setAuthTag(decryption.tag)
    return { data: new Uint8Array(Buffer.concat([decipher.update(encrypted), decipher.final()])) }
  }

  // RFC 7518 §4.6.2: the Concat KDF with one round is enough for AES-GCM keys of 256 bits or fewer.
  #agree({ keyId, externalPublicJwk, apu = new Uint8Array(), apv = new Uint8Array() }, enc) {
    const bits = CONTENT_KEY_BITS[enc]
    const shared = diffieHellman({
      privateKey: createPrivateKey({ format: 'jwk', key: this.#named(keyId) }),
      publicKey: createPublicKey({ format: 'jwk', key: withoutPrivate(externalPublicJwk) }),
    })
    const otherInfo = [prefixed(Buffer.from(enc)), prefixed(apu), prefixed(apv), uint32(bits)]
    const digest = createHash('sha256').update(Buffer.concat([uint32(1), shared, ...otherInfo])).digest()
    return digest.subarray(0, bits / 8)
  }

  #keep(jwk, keyId = randomUUID()) {
    if (this.#privateJwks.has(keyId)) throw new Kms.KeyManagementKeyExistsError(keyId, this.backend)
    const kept = { ...jwk, kid: keyId }
    this.#privateJwks.set(keyId, kept)
    return { keyId, publicJwk: withoutPrivate(kept) }
  }

  #named(keyId) {
    const jwk = this.#privateJwks.get(keyId)
    if (!jwk) throw new Kms.KeyManagementKeyNotFoundError(keyId, [this.backend])
    return jwk
  }
}

const withoutPrivate = ({ d: _, ...publicJwk }) => publicJwk
const hashOf = (algorithm) => (algorithm === 'ES256' ? 'sha256' : null)
const nodeName = (enc) => (enc === 'A128GCM' ? 'aes-128-gcm' : 'aes-256-gcm')
const prefixed = (bytes) => Buffer.concat([uint32(bytes.length), bytes])

function uint32(number) {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(number)
  return bytes
}

class NoFileSystem {}
class NoWebSocket {}
