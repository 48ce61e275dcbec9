import Combine
import Foundation
import LanyardBindings

/// The holder's wallet, opened once and kept as long as the app runs.
///
/// `cards` and `waiting` follow what happens; everything else is decided in the library below.
@MainActor
public final class Lanyard: ObservableObject {
    /// All cards, newest first.
    @Published public private(set) var cards: [Card] = []
    /// Credentials that their issuers have not ready yet.
    @Published public private(set) var waiting: [Waiting] = []

    private let wallet: LanyardWallet

    private init(_ wallet: LanyardWallet) throws {
        self.wallet = wallet
        try refresh()
    }

    /// Opens the wallet's database, or makes it.
    public static func open(_ options: Options, ports: Ports) async throws -> Lanyard {
        try Lanyard(await openWallet(options: options, ports: ports.bindings))
    }

    /// Reads an offer link, after the holder chose to open it.
    public func readOffer(_ link: String) async throws -> Offer {
        try await wallet.readOffer(link: link)
    }

    /// Takes what is offered.
    public func accept(_ offer: OfferReadyToAccept) async throws -> [Int64] {
        try await told { try await offer.accept() }
    }

    /// Takes what is offered; after a wrong code the same object takes the next.
    public func accept(_ offer: OfferWithCode, code: String) async throws -> [Int64] {
        try await told { try await offer.accept(txCode: code) }
    }

    /// Goes on with the link that the browser came back with, also after the app was killed.
    public func finishLogin(_ redirect: String) async throws -> [Int64] {
        try await told { try await self.wallet.finishLogin(redirect: redirect) }
    }

    /// Reads a request link.
    public func readRequest(_ link: String) async throws -> Request {
        try await wallet.readRequest(link: link)
    }

    /// Takes a request that the platform hands over.
    public func readPlatformRequest(protocol name: String, data: String, origin: String) async throws -> PlatformRequest {
        try await wallet.readPlatformRequest(protocol: name, data: data, origin: origin)
    }

    /// A picture of a card, if it has that; nothing is fetched.
    public func picture(of card: Card, _ kind: PictureKind) throws -> Picture? {
        try wallet.cardPicture(card: card.id, kind: kind)
    }

    /// What to register with the platform's own chooser, whenever `cards` change: no value of a claim is in it.
    public func registrations() throws -> [Registration] {
        try wallet.registrations()
    }

    /// Answers a request of the platform: the `data` that the platform takes.
    public func answer(_ request: PlatformRequest, consent: Consent) async throws -> String {
        try await told { try await request.answer(consent: consent) }
    }

    /// Answers; where the browser has to go on, if anywhere.
    public func answer(_ request: Request, consent: Consent) async throws -> String? {
        try await told { try await request.answer(consent: consent) }
    }

    /// Has a card issued again.
    public func renew(_ card: Card) async throws -> Int64 {
        try await told { try await self.wallet.renew(card: card.id) }
    }

    /// Deletes a card with its copies and their keys.
    public func delete(_ card: Card) async throws {
        _ = try await told { try await self.wallet.deleteCard(card: card.id) }
    }

    /// Waits no longer for a credential.
    public func stopWaiting(_ one: Waiting) async throws {
        _ = try await told { try await self.wallet.stopWaiting(id: one.id) }
    }

    /// What is due when the app opens: what was interrupted goes on, what was deferred is asked for, what runs out of
    /// unused copies is filled up, and status lists are asked. The cards that came; a network that is away is no
    /// failure.
    @discardableResult
    public func catchUp(threshold: UInt32 = 1) async throws -> [Int64] {
        try await told { try await self.wallet.catchUp(threshold: threshold) }
    }

    /// Asks the issuers' status lists: the cards of which they say something else than before.
    public func refreshStatuses() async throws -> [Int64] {
        try await told { try await self.wallet.refreshStatuses() }
    }

    /// What happened, newest first; with a text, the entries in which it occurs.
    public func history(search: String? = nil) throws -> [HistoryEntry] {
        try wallet.history(search: search)
    }

    /// The entries that fit, newest first.
    public func find(_ wanted: HistoryFilter) throws -> [HistoryEntry] {
        try wallet.findInHistory(wanted: wanted)
    }

    /// The verifiers that got something, and whom to ask for its deletion.
    public func sharedWith() throws -> [SharedWith] {
        try wallet.sharedWith()
    }

    /// What became of cards since the holder last looked; after `refreshStatuses`.
    public func notices() throws -> [CardNotice] {
        try wallet.notices()
    }

    /// The holder saw these, and is not told again.
    public func seen(_ notices: [CardNotice]) throws {
        try wallet.noticesSeen(notices: notices)
    }

    /// Whether there is a PIN.
    public func hasPin() throws -> Bool {
        try wallet.hasPin()
    }

    /// Seconds until a PIN is looked at.
    public func pinWait() throws -> UInt64 {
        try wallet.pinWait()
    }

    /// Sets a PIN, in the place of the present one.
    public func setPin(_ pin: String, present: String? = nil) throws {
        try wallet.setPin(pin: pin, present: present)
    }

    /// Asks for no PIN any more.
    public func removePin(present: String) throws {
        try wallet.removePin(present: present)
    }

    /// Judges a PIN; it throws `PinFailed` unless it is the holder's.
    public func tryPin(_ pin: String) throws {
        try wallet.tryPin(pin: pin)
    }

    /// The whole history as a JSON document.
    public func exportHistory() throws -> String {
        try wallet.exportHistory()
    }

    /// Forgets one entry.
    public func forget(_ entry: HistoryEntry) throws {
        _ = try wallet.forget(entry: entry.id)
    }

    /// Forgets the whole history.
    public func forgetHistory() throws {
        try wallet.forgetHistory()
    }

    /// A sealed list of what is held, with the code that opens it.
    public func exportInventory() throws -> Recovery {
        try wallet.exportInventory()
    }

    /// Opens an exported inventory.
    public func openInventory(_ sealed: Data, code: String) throws -> [InventoryItem] {
        try wallet.openInventory(sealed: sealed, recoveryCode: code)
    }

    /// Asks an issuer for a credential that was held before.
    public func askAgain(_ item: InventoryItem) async throws -> Offer {
        try await wallet.askAgain(item: item)
    }

    private func told<T>(_ step: () async throws -> T) async throws -> T {
        do {
            let outcome = try await step()
            try refresh()
            return outcome
        } catch {
            try? refresh()
            throw error
        }
    }

    private func refresh() throws {
        cards = try wallet.cards()
        waiting = try wallet.waiting()
    }
}
