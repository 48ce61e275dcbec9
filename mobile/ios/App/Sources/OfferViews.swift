import AuthenticationServices
import LanyardKit
import SwiftUI

/// Who offers what; the name is the issuer's own word.
private struct ReviewView: View {
    let offer: OfferToShow

    var body: some View {
        Section {
            Text(String(format: String(localized: "offer_title"), offer.issuerName ?? offer.issuer))
                .font(.title2)
                .accessibilityAddTraits(.isHeader)
            if offer.signed {
                Label("offer_signed", systemImage: "checkmark.seal")
            } else {
                Label("offer_trust", systemImage: "questionmark.circle")
            }
            Text(offer.issuer).font(.footnote)
        }
        ForEach(offer.credentials, id: \.name) { credential in
            VStack(alignment: .leading) {
                if let logo = drawn(credential.logo) { LogoView(logo: logo, alt: credential.logoAlt) }
                Text(credential.name).font(.headline)
                if let text = credential.description { Text(text) }
                Text(credential.unsupported ?? credential.claims.joined(separator: ", ")).font(.footnote)
            }
            .accessibilityElement(children: .combine)
        }
    }
}

/// What to do about a failure that may pass, and when.
private func again(_ reason: String, _ wait: UInt64?) -> String {
    guard let wait, wait > 0 else { return String(format: String(localized: "try_again"), reason) }
    return String(format: String(localized: "try_again_in"), Int(wait), reason)
}

/// An offer that wants a yes.
struct ReadyView: View {
    @EnvironmentObject private var model: Model
    let wallet: Lanyard
    let offer: OfferReadyToAccept
    @State private var problem: String?

    var body: some View {
        Form {
            ReviewView(offer: offer.review())
            if let problem { Text(problem) }
            Button("accept") { Task { await accept() } }
            Button("decline", role: .cancel) {
                try? offer.decline()
                model.step = .cards
            }
        }
    }

    private func accept() async {
        do {
            model.step = .added(try await wallet.accept(offer))
        } catch AcceptFailed.TryAgain(let reason, let wait) {
            problem = again(reason, wait)
        } catch {
            model.step = .message(model.said(error))
        }
    }
}

/// An offer that wants the code which the holder got elsewhere.
struct CodeView: View {
    @EnvironmentObject private var model: Model
    let wallet: Lanyard
    let offer: OfferWithCode
    @State private var code = ""
    @State private var wrong = 0
    @State private var problem: String?

    var body: some View {
        let asked = offer.txCode()
        Form {
            ReviewView(offer: offer.review())
            if let text = asked.description { Text(text) }
            if let problem { Text(problem) }
            TextField("code_label", text: $code)
                .keyboardType(asked.numeric ? .numberPad : .default)
                .textContentType(.oneTimeCode)
            Button("accept") { Task { await accept() } }.disabled(code.isEmpty)
            Button("decline", role: .cancel) {
                try? offer.decline()
                model.step = .cards
            }
        }
    }

    private func accept() async {
        do {
            model.step = .added(try await wallet.accept(offer, code: code))
        } catch AcceptFailed.TxCodeForm {
            problem = String(localized: "code_form")
        } catch AcceptFailed.TxCodeWrong {
            wrong += 1
            problem = String(format: String(localized: "code_wrong"), wrong)
        } catch AcceptFailed.TryAgain(let reason, let wait) {
            problem = again(reason, wait)
        } catch {
            model.step = .message(model.said(error))
        }
    }
}

/// An offer that wants the holder to log in, in a browser that the app cannot look into.
struct LoginView: View {
    @EnvironmentObject private var model: Model
    @Environment(\.webAuthenticationSession) private var browser
    let offer: OfferWithLogin

    var body: some View {
        Form {
            ReviewView(offer: offer.review())
            Button("log_in") { Task { await logIn() } }
            Button("decline", role: .cancel) {
                try? offer.decline()
                model.step = .cards
            }
        }
    }

    private func logIn() async {
        do {
            let login = try await offer.begin()
            guard let url = URL(string: login.url()) else { return }
            let back = try await browser.authenticate(using: url, callbackURLScheme: "dev.lanyard.app")
            await model.follow(back.absoluteString)
        } catch {
            model.step = .message(model.said(error))
        }
    }
}

/// What came.
struct AddedView: View {
    @EnvironmentObject private var model: Model
    @ObservedObject var wallet: Lanyard
    let ids: [Int64]

    var body: some View {
        List {
            Text(ids.isEmpty ? "added_later" : "added").font(.title2).accessibilityAddTraits(.isHeader)
            ForEach(wallet.cards.filter { ids.contains($0.id) }, id: \.id) { CardFace(wallet: wallet, card: $0) }
            Button("done") { model.step = .cards }
        }
    }
}
