import CryptoKit
import Foundation
import LocalAuthentication
import Security

/// Holder keys in the Secure Enclave.
///
/// The enclave hands out each key encrypted for itself alone; that is what the Keychain keeps, on this device only.
public actor SecureEnclaveKeys: HolderKeys {
    private let service: String
    private let group: String?
    private let asksHolder: Bool

    /// - Parameters:
    ///   - group: the access group that the app shares with its document provider, where it has one.
    ///   - asksHolder: whether each use of a key asks for biometrics or the passcode.
    public init(service: String = "dev.lanyard.keys", group: String? = nil, asksHolder: Bool = false) {
        self.service = service
        self.group = group
        self.asksHolder = asksHolder
    }

    public func generate(_ name: String) async throws -> Data {
        let flags: SecAccessControlCreateFlags = asksHolder ? [.privateKeyUsage, .userPresence] : .privateKeyUsage
        var failure: Unmanaged<CFError>?
        let access = SecAccessControlCreateWithFlags(
            nil, kSecAttrAccessibleWhenUnlockedThisDeviceOnly, flags, &failure)
        guard let access else { throw KeychainFailure(status: errSecParam) }
        let key = try SecureEnclave.P256.Signing.PrivateKey(accessControl: access)
        try Keychain.store(key.dataRepresentation, service: service, account: name, group: group)
        return key.publicKey.x963Representation
    }

    public func publicKey(_ name: String) async throws -> Data? {
        try key(name)?.publicKey.x963Representation
    }

    public func sign(_ name: String, message: Data) async throws -> Data {
        guard let key = try key(name) else { throw KeychainFailure(status: errSecItemNotFound) }
        do {
            return try key.signature(for: message).rawRepresentation
        } catch let error as LAError {
            throw error.code == .userCancel || error.code == .authenticationFailed ? NotUnlocked() : error
        }
    }

    public func delete(_ name: String) async throws {
        try Keychain.delete(service: service, account: name, group: group)
    }

    private func key(_ name: String) throws -> SecureEnclave.P256.Signing.PrivateKey? {
        try Keychain.load(service: service, account: name, group: group).map {
            try SecureEnclave.P256.Signing.PrivateKey(dataRepresentation: $0)
        }
    }
}
