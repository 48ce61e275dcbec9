import Foundation
import Security

/// The Keychain did not do as asked.
public struct KeychainFailure: Error {
    /// What it said.
    public let status: OSStatus
}

/// Small secrets, on this device only and in no backup.
enum Keychain {
    static func store(_ secret: Data, service: String, account: String, group: String?) throws {
        var item = place(service, account, group)
        item[kSecValueData as String] = secret
        item[kSecAttrAccessible as String] = kSecAttrAccessibleWhenUnlockedThisDeviceOnly
        let status = SecItemAdd(item as CFDictionary, nil)
        guard status == errSecSuccess else { throw KeychainFailure(status: status) }
    }

    static func load(service: String, account: String, group: String?) throws -> Data? {
        var query = place(service, account, group)
        query[kSecReturnData as String] = true
        var found: CFTypeRef?
        let status = SecItemCopyMatching(query as CFDictionary, &found)
        guard status != errSecItemNotFound else { return nil }
        guard status == errSecSuccess else { throw KeychainFailure(status: status) }
        return found as? Data
    }

    static func delete(service: String, account: String, group: String?) throws {
        let status = SecItemDelete(place(service, account, group) as CFDictionary)
        guard status == errSecSuccess || status == errSecItemNotFound else { throw KeychainFailure(status: status) }
    }

    private static func place(_ service: String, _ account: String, _ group: String?) -> [String: Any] {
        var place: [String: Any] = [
            kSecClass as String: kSecClassGenericPassword,
            kSecAttrService as String: service,
            kSecAttrAccount as String: account,
        ]
        place[kSecAttrAccessGroup as String] = group
        return place
    }
}

/// The key of the database: 32 random bytes in the Keychain.
public actor KeychainDatabaseKey: DatabaseKey {
    private let service: String
    private let group: String?

    /// - Parameter group: the access group that the app shares with its document provider, where it has one.
    public init(service: String = "dev.lanyard.database", group: String? = nil) {
        self.service = service
        self.group = group
    }

    public func load() async throws -> Data {
        if let key = try Keychain.load(service: service, account: "key", group: group) {
            return key
        }
        var key = Data(count: 32)
        let status = key.withUnsafeMutableBytes { bytes in
            SecRandomCopyBytes(kSecRandomDefault, bytes.count, bytes.baseAddress!)
        }
        guard status == errSecSuccess else { throw KeychainFailure(status: status) }
        try Keychain.store(key, service: service, account: "key", group: group)
        return key
    }
}
