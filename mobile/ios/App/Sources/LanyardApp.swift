import LanyardKit
import SwiftUI

/// The app: it opens the wallet when the holder has shown who they are, and follows the links that open it.
@main
struct LanyardApp: App {
    @StateObject private var model = Model()

    var body: some Scene {
        WindowGroup {
            RootView()
                .environmentObject(model)
                .onOpenURL { url in model.link = url.absoluteString }
        }
    }
}

/// What is shown: which step of what.
@MainActor
final class Model: ObservableObject {
    enum Step {
        case cards
        case ready(OfferReadyToAccept)
        case code(OfferWithCode)
        case login(OfferWithLogin)
        case request(Request)
        case added([Int64])
        case message(String)
    }

    /// The wallet, once the holder has shown who they are.
    @Published var wallet: Lanyard?
    /// The wallet, open but locked: this device could not recognise the holder, and the PIN stands in.
    @Published var locked: Lanyard?
    @Published var step: Step = .cards
    /// Whether the PIN is asked for, before something is shared.
    @Published var isPinAsked = false
    private var typedPin: CheckedContinuation<String?, Never>?
    @Published var problem: String?

    /// A link that waits until the wallet is open.
    var link: String? {
        didSet { Task { await followLink() } }
    }

    /// Asks who the holder is, then opens the wallet.
    func unlock() async {
        let holder = BiometricHolder(reason: String(localized: "unlock_reason"))
        let isHolder = await holder.authenticate()
        do {
            let wallet = try await Home.open(askPin: { [weak self] in await self?.askPin() ?? false })
            if isHolder {
                try await unlocked(wallet)
            } else if try wallet.hasPin() {
                locked = wallet
            }
        } catch {
            problem = said(error)
        }
    }

    /// Unlocks by the PIN, if that is what it is; the library counts the tries.
    func unlock(by pin: String) async {
        guard let wallet = locked else { return }
        do {
            try wallet.tryPin(pin)
            try await unlocked(wallet)
        } catch let failure as PinFailed {
            problem = said(failure)
        } catch {
            problem = said(error)
        }
    }

    /// Whether who holds the phone knows the PIN; no where there is none, and where they would rather not say.
    func askPin() async -> Bool {
        guard let wallet, (try? wallet.hasPin()) == true else { return false }
        problem = nil
        while let pin = await typed() {
            do {
                try wallet.tryPin(pin)
                return true
            } catch let failure as PinFailed {
                problem = said(failure)
            } catch {
                return false
            }
        }
        return false
    }

    /// What was typed for a PIN; nil where the holder goes back.
    func answerPin(_ text: String?) {
        typedPin?.resume(returning: text)
        typedPin = nil
    }

    private func typed() async -> String? {
        await withCheckedContinuation { waiting in
            typedPin = waiting
            isPinAsked = true
        }
    }

    private func unlocked(_ wallet: Lanyard) async throws {
        (locked, problem) = (nil, nil)
        self.wallet = wallet
        Task { await PlatformChooser.keepRegistered(wallet) }
        await followLink()
        try await wallet.catchUp()
    }

    /// Why a PIN did not do, in words.
    func said(_ failure: PinFailed) -> String {
        switch failure {
        case .Wrong(let seconds), .Locked(let seconds):
            if seconds == 0 { return String(localized: "pin_wrong") }
            return String(format: String(localized: "pin_wait"), Int(seconds))
        case .Form: return String(localized: "pin_form")
        case .Easy: return String(localized: "pin_easy")
        case .NotSet, .Unusable: return String(format: String(localized: "failed"), failure.localizedDescription)
        }
    }

    /// Follows any link: of an offer, of a request, or back from a login.
    func follow(_ text: String) async {
        guard let wallet else { return }
        do {
            step = try await step(for: text.trimmingCharacters(in: .whitespacesAndNewlines), in: wallet)
        } catch {
            step = .message(said(error))
        }
    }

    /// Shows an offer, whatever it needs.
    func show(_ offer: Offer) {
        step = shown(offer)
    }

    /// What went wrong, in words.
    func said(_ error: any Error) -> String {
        String(format: String(localized: "failed"), error.localizedDescription)
    }

    private func followLink() async {
        guard wallet != nil, let text = link else { return }
        link = nil
        await follow(text)
    }

    private func step(for text: String, in wallet: Lanyard) async throws -> Step {
        let scheme = URL(string: text)?.scheme ?? ""
        if scheme == "dev.lanyard.app" {
            return .added(try await wallet.finishLogin(text))
        }
        if ["openid-credential-offer", "haip-vci"].contains(scheme) || text.contains("credential_offer") {
            return shown(try await wallet.readOffer(text))
        }
        return .request(try await wallet.readRequest(text))
    }

    private func shown(_ offer: Offer) -> Step {
        switch offer {
        case .ready(let offer): return .ready(offer)
        case .requiresTxCode(let offer): return .code(offer)
        case .requiresLogin(let offer): return .login(offer)
        }
    }
}
