import Combine
import Foundation
import IdentityDocumentServices
import LanyardKit

/// The platform's own chooser of documents, which opens the document provider when one of this wallet's is chosen.
/// It takes mdocs alone.
enum PlatformChooser {
    /// Tells it what there is, now and whenever cards change.
    @MainActor
    static func keepRegistered(_ wallet: Lanyard) async {
        for await _ in wallet.$cards.values {
            guard let cards = try? wallet.registrations() else { continue }
            if #available(iOS 26.0, *) {
                await register(cards)
            }
        }
    }

    /// Puts these in the place of what it was told before.
    @available(iOS 26.0, *)
    static func register(_ cards: [Registration]) async {
        let store = IdentityDocumentProviderRegistrationStore()
        let wanted = cards.filter { $0.format == "mso_mdoc" }
        let names = Set(wanted.map { String($0.card) })
        let known = (try? await store.registrations) ?? []
        for one in known where !names.contains(one.documentIdentifier) {
            try? await store.removeRegistration(forDocumentIdentifier: one.documentIdentifier)
        }
        for card in wanted {
            let document = MobileDocumentRegistration(
                mobileDocumentType: card.kind,
                supportedAuthorityKeyIdentifiers: card.keyIdentifiers,
                documentIdentifier: String(card.card),
                invalidationDate: card.expiresAt.map { Date(timeIntervalSince1970: TimeInterval($0)) }
            )
            // the holder may not have allowed it, or not yet: the extension is told when they do
            try? await store.addRegistration(document)
        }
    }
}
