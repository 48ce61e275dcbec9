import Foundation
import LanyardBindings

/// What an app brings; `databaseKey` alone is a must.
public struct Ports {
    let databaseKey: any DatabaseKey
    let keys: (any HolderKeys)?
    let web: (any Web)?
    let holder: (any Holder)?
    let walletAttestation: (any WalletAttester)?
    let keyAttestation: (any KeyAttester)?

    public init(
        databaseKey: any DatabaseKey,
        keys: (any HolderKeys)? = nil,
        web: (any Web)? = nil,
        holder: (any Holder)? = nil,
        walletAttestation: (any WalletAttester)? = nil,
        keyAttestation: (any KeyAttester)? = nil
    ) {
        self.databaseKey = databaseKey
        self.keys = keys
        self.web = web
        self.holder = holder
        self.walletAttestation = walletAttestation
        self.keyAttestation = keyAttestation
    }

    var bindings: WalletPorts {
        WalletPorts(
            secureStorage: DatabaseKeyPort(databaseKey),
            keyStore: keys.map(HolderKeysPort.init),
            http: web.map(WebPort.init),
            clock: nil,
            userAuthentication: holder.map(HolderPort.init),
            walletAttestation: walletAttestation.map(WalletAttesterPort.init),
            keyAttestation: keyAttestation.map(KeyAttesterPort.init)
        )
    }
}

/// Where the key of the database is kept.
public protocol DatabaseKey: Sendable {
    /// 32 bytes, made at random at the first call and the same ever after.
    func load() async throws -> Data
}

/// Where holder keys live; on phones `SecureEnclaveKeys`.
public protocol HolderKeys: Sendable {
    /// Makes a key on P-256 under this name: its public half in 65 bytes.
    func generate(_ name: String) async throws -> Data

    /// The public half; nil when there is no such key.
    func publicKey(_ name: String) async throws -> Data?

    /// An ECDSA signature with SHA-256, as `r || s` or in DER. Throws `NotUnlocked` when the holder did not unlock it.
    func sign(_ name: String, message: Data) async throws -> Data

    /// Signs each message by its key. Do better than one by one where the holder is asked: a batch may have a key for
    /// each of twenty copies.
    func signEach(_ wanted: [(name: String, message: Data)]) async throws -> [Data]

    /// Deletes a key; an unknown one is no error.
    func delete(_ name: String) async throws
}

extension HolderKeys {
    public func signEach(_ wanted: [(name: String, message: Data)]) async throws -> [Data] {
        var signatures: [Data] = []
        for one in wanted {
            signatures.append(try await sign(one.name, message: one.message))
        }
        return signatures
    }
}

/// Your backend as wallet provider: it attests this instance of the app.
public protocol WalletAttester: Sendable {
    /// An `oauth-client-attestation+jwt` about this key, a JWK in JSON, to be shown to this server and no other.
    func attest(server: String, jwk: String) async throws -> String
}

/// A holder key that is to be attested.
public struct KeyToAttest: Sendable {
    /// Its name in `HolderKeys`.
    public let name: String
    /// Its public half: a JWK in JSON.
    public let jwk: String
}

/// Your backend as wallet provider: it vouches for holder keys.
public protocol KeyAttester: Sendable {
    /// A `key-attestation+jwt` about all these keys in this order, with the issuer's nonce where there is one.
    func attest(_ keys: [KeyToAttest], nonce: String?) async throws -> String
}

/// The holder did not unlock a key.
public struct NotUnlocked: Error {
    public init() {}
}

/// Asks the holder who they are before claims are shared.
public protocol Holder: Sendable {
    /// True when it is the holder.
    func authenticate() async -> Bool
}

/// Asks one way, and another way where that says no: biometrics, else `Lanyard.tryPin`.
public final class FallbackHolder: Holder {
    private let first: any Holder
    private let other: @Sendable () async -> Bool

    public init(_ first: any Holder, else other: @escaping @Sendable () async -> Bool) {
        self.first = first
        self.other = other
    }

    public func authenticate() async -> Bool {
        if await first.authenticate() { return true }
        return await other()
    }
}

/// The platform's HTTP client: no redirects, no cookies, no cache.
public protocol Web: Sendable {
    /// Sends one request and reads the whole answer.
    func send(_ request: URLRequest, mostBytes: Int) async throws -> (HTTPURLResponse, Data)
}

final class DatabaseKeyPort: SecureStoragePort {
    let key: any DatabaseKey

    init(_ key: any DatabaseKey) {
        self.key = key
    }

    func databaseKey() async throws -> Data {
        do {
            return try await key.load()
        } catch {
            throw SecureStoragePortError.Unavailable
        }
    }
}

final class HolderKeysPort: KeyStorePort {
    let keys: any HolderKeys

    init(_ keys: any HolderKeys) {
        self.keys = keys
    }

    func generate(count: UInt32) async throws -> [KeyRecord] {
        try await guarded {
            var made: [KeyRecord] = []
            for _ in 0..<count {
                let name = "lanyard-" + UUID().uuidString
                made.append(KeyRecord(handle: name, publicKey: try await self.keys.generate(name)))
            }
            return made
        }
    }

    func publicKey(handle: String) async throws -> Data {
        try await guarded {
            guard let point = try await self.keys.publicKey(handle) else { throw KeyStorePortError.Unknown }
            return point
        }
    }

    func sign(handle: String, message: Data) async throws -> Data {
        try await guarded { try await self.keys.sign(handle, message: message) }
    }

    func signEach(wanted: [ToSign]) async throws -> [Data] {
        try await guarded { try await self.keys.signEach(wanted.map { (name: $0.handle, message: $0.message) }) }
    }

    func delete(handles: [String]) async throws {
        try await guarded {
            for name in handles {
                try await self.keys.delete(name)
            }
        }
    }

    private func guarded<T>(_ step: () async throws -> T) async throws -> T {
        do {
            return try await step()
        } catch is NotUnlocked {
            throw KeyStorePortError.NotAuthorised
        } catch let error as KeyStorePortError {
            throw error
        } catch {
            throw KeyStorePortError.Unavailable
        }
    }
}

final class WalletAttesterPort: WalletAttestationPort {
    let attester: any WalletAttester

    init(_ attester: any WalletAttester) {
        self.attester = attester
    }

    func attest(server: String, jwk: String) async throws -> String {
        do {
            return try await attester.attest(server: server, jwk: jwk)
        } catch {
            throw AttestationPortError.Unavailable
        }
    }
}

final class KeyAttesterPort: KeyAttestationPort {
    let attester: any KeyAttester

    init(_ attester: any KeyAttester) {
        self.attester = attester
    }

    func attest(keys: [KeyToAttestRecord], nonce: String?) async throws -> String {
        do {
            return try await attester.attest(keys.map { KeyToAttest(name: $0.handle, jwk: $0.jwk) }, nonce: nonce)
        } catch {
            throw AttestationPortError.Unavailable
        }
    }
}

final class WebPort: HttpPort {
    let web: any Web

    init(_ web: any Web) {
        self.web = web
    }

    func send(exchange: HttpExchange) async throws -> HttpReply {
        guard let url = URL(string: exchange.url) else { throw HttpPortError.NoAnswer }
        var request = URLRequest(url: url)
        request.httpMethod = exchange.method
        request.httpBody = exchange.body.isEmpty ? nil : exchange.body
        for header in exchange.headers {
            request.setValue(header.value, forHTTPHeaderField: header.name)
        }
        do {
            let (answer, body) = try await web.send(request, mostBytes: Int(exchange.mostBytes))
            let headers = answer.allHeaderFields.compactMap { name, value -> HttpHeader? in
                guard let name = name as? String, let value = value as? String else { return nil }
                return HttpHeader(name: name, value: value)
            }
            return HttpReply(status: UInt16(answer.statusCode), headers: headers, body: body)
        } catch {
            throw HttpPortError.NoAnswer
        }
    }
}

final class HolderPort: UserAuthenticationPort {
    let holder: any Holder

    init(_ holder: any Holder) {
        self.holder = holder
    }

    func authenticateToShare() async -> Bool {
        await holder.authenticate()
    }
}
