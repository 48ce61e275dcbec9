import Foundation
import LanyardKit

/// Where the wallet of this app lives; its document provider opens the same.
enum Home {
    /// The app group of app and document provider; yours, in both entitlements.
    static let group = "group.dev.lanyard.app"

    /// Opens the wallet's database, or makes it. Where this device cannot recognise the holder, `askPin` does.
    @MainActor
    static func open(askPin: @escaping @Sendable () async -> Bool = { false }) async throws -> Lanyard {
        try await Lanyard.open(try options(), ports: ports(askPin))
    }

    private static func options() throws -> Options {
        guard var folder = FileManager.default.containerURL(forSecurityApplicationGroupIdentifier: group) else {
            throw CocoaError(.fileNoSuchFile)
        }
        // no backup: the keys cannot come along, and the database is noise without them
        var values = URLResourceValues()
        values.isExcludedFromBackup = true
        try folder.setResourceValues(values)
        return Options(
            database: folder.appendingPathComponent("wallet.sqlite").path,
            issuerAnchors: try resource("issuers"),
            verifierAnchors: try resource("verifiers"),
            languages: Locale.preferredLanguages,
            clientId: "lanyard-wallet",
            redirectUri: "dev.lanyard.app://login"
        )
    }

    private static func ports(_ askPin: @escaping @Sendable () async -> Bool) -> Ports {
        Ports(
            databaseKey: KeychainDatabaseKey(group: group),
            keys: SecureEnclaveKeys(group: group),
            web: PlatformWeb(),
            holder: FallbackHolder(BiometricHolder(reason: String(localized: "share_reason")), else: askPin)
        )
    }

    /// Whom this app trusts is the app team's to say: PEM files in the bundle.
    private static func resource(_ name: String) throws -> String {
        guard let url = Bundle.main.url(forResource: name, withExtension: "pem") else {
            throw CocoaError(.fileNoSuchFile)
        }
        return try String(contentsOf: url, encoding: .utf8)
    }
}
