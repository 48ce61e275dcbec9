import LanyardKit
import SwiftUI

/// Locked, or whatever step is on.
struct RootView: View {
    @EnvironmentObject private var model: Model
    @State private var pin = ""

    var body: some View {
        if let wallet = model.wallet {
            NavigationStack { StepView(wallet: wallet) }
                .alert("pin_title", isPresented: $model.isPinAsked) {
                    SecureField("pin_label", text: $pin).keyboardType(.numberPad)
                    Button("share") {
                        model.answerPin(pin)
                        pin = ""
                    }
                    Button("cancel", role: .cancel) { model.answerPin(nil) }
                } message: {
                    Text(model.problem ?? String(localized: "share_reason"))
                }
        } else {
            VStack(spacing: 16) {
                Text("unlock_title").font(.title).accessibilityAddTraits(.isHeader)
                if let problem = model.problem { Text(problem) }
                if model.locked != nil { PinField() }
                Button("unlock") { Task { await model.unlock() } }.buttonStyle(.borderedProminent)
            }
            .padding()
            .task { await model.unlock() }
        }
    }
}

/// The PIN, where this device could not recognise the holder.
private struct PinField: View {
    @EnvironmentObject private var model: Model
    @State private var pin = ""

    var body: some View {
        SecureField("pin_label", text: $pin)
            .keyboardType(.numberPad)
            .textFieldStyle(.roundedBorder)
        Button("go_on") {
            Task {
                await model.unlock(by: pin)
                pin = ""
            }
        }
        .disabled(pin.isEmpty)
    }
}

private struct StepView: View {
    @EnvironmentObject private var model: Model
    @ObservedObject var wallet: Lanyard

    var body: some View {
        switch model.step {
        case .cards: CardsView(wallet: wallet)
        case .ready(let offer): ReadyView(wallet: wallet, offer: offer)
        case .code(let offer): CodeView(wallet: wallet, offer: offer)
        case .login(let offer): LoginView(offer: offer)
        case .request(let request): RequestView(wallet: wallet, request: request)
        case .added(let ids): AddedView(wallet: wallet, ids: ids)
        case .message(let text): MessageView(text: text)
        }
    }
}

/// All cards, and what is waited for.
struct CardsView: View {
    @ObservedObject var wallet: Lanyard
    @State private var notices: [CardNotice] = []

    var body: some View {
        List {
            if !notices.isEmpty {
                Section("notices_title") {
                    ForEach(notices, id: \.card) { Text(said($0)) }
                    Button("seen") {
                        try? wallet.seen(notices)
                        look()
                    }
                }
            }
            if wallet.cards.isEmpty && wallet.waiting.isEmpty { Text("no_cards") }
            ForEach(wallet.cards, id: \.id) { card in
                NavigationLink { CardView(wallet: wallet, card: card) } label: { CardFace(wallet: wallet, card: card) }
            }
            ForEach(wallet.waiting, id: \.id) { one in
                VStack(alignment: .leading) {
                    Text(one.name).font(.headline)
                    Text("requested").font(.subheadline)
                }
                .accessibilityElement(children: .combine)
                .swipeActions {
                    Button("delete", role: .destructive) { Task { try? await wallet.stopWaiting(one) } }
                }
            }
        }
        .navigationTitle("cards")
        .toolbar {
            NavigationLink("add") { AddView() }
            NavigationLink("history") { HistoryView(wallet: wallet) }
            NavigationLink("settings") { RecoveryView(wallet: wallet) }
            NavigationLink("pin_set") { PinView(wallet: wallet) }
        }
        .refreshable { try? await wallet.catchUp() }
        .onAppear(perform: look)
        .onReceive(wallet.$cards) { _ in look() }
    }

    private func look() {
        notices = (try? wallet.notices()) ?? []
    }

    private func said(_ notice: CardNotice) -> String {
        let became: String
        switch notice.isNow {
        case .revoked: became = String(localized: "notice_revoked")
        case .suspended: became = String(localized: "notice_suspended")
        case .valid, .other: became = String(localized: "notice_good")
        }
        return String(format: became, notice.cardName)
    }
}

/// A card in its issuer's colours, as far as they are colours, with its logo and over its picture.
struct CardFace: View {
    let wallet: Lanyard
    let card: Card
    @State private var logo: UIImage?
    @State private var behind: UIImage?

    var body: some View {
        HStack {
            VStack(alignment: .leading, spacing: 4) {
                Text(card.name).font(.headline)
                Text(line).font(.subheadline)
            }
            Spacer()
            if let logo { LogoView(logo: logo, alt: card.logoAlt) }
        }
        .frame(maxWidth: .infinity, minHeight: 88, alignment: .leading)
        .padding()
        .background { ground }
        .clipShape(RoundedRectangle(cornerRadius: 12))
        // readable over any picture: it is darkened
        .foregroundStyle(behind == nil ? Color.readable(on: card.backgroundColor) : .white)
        .accessibilityElement(children: .combine)
        .task(id: card.id) {
            logo = card.hasLogo ? drawn(try? wallet.picture(of: card, .logo)) : nil
            behind = card.hasBackgroundImage ? drawn(try? wallet.picture(of: card, .backgroundImage)) : nil
        }
    }

    @ViewBuilder private var ground: some View {
        if let behind {
            ZStack {
                Image(uiImage: behind).resizable().scaledToFill().accessibilityHidden(true)
                Color.black.opacity(0.58)
            }
        } else {
            Color(hex: card.backgroundColor) ?? .teal
        }
    }

    private var line: String {
        switch card.standing {
        case .expired: return String(localized: "expired")
        case .suspended: return String(localized: "suspended")
        case .revoked: return String(localized: "revoked")
        case .endsSoon: return String(localized: "ends_soon")
        case .valid: return String(format: String(localized: "from_issuer"), card.issuerName ?? card.issuer)
        }
    }
}

/// A logo with what is read out for it.
struct LogoView: View {
    let logo: UIImage
    let alt: String?

    var body: some View {
        let image = Image(uiImage: logo).resizable().scaledToFit().frame(maxWidth: 120, maxHeight: 40)
        if let alt { image.accessibilityLabel(alt) } else { image.accessibilityHidden(true) }
    }
}

/// A picture that an issuer made; nil if this device cannot draw it, as SVG.
func drawn(_ picture: Picture?) -> UIImage? {
    picture.flatMap { UIImage(data: $0.bytes) }
}

/// A claim with its label; a picture as one.
struct ClaimView: View {
    let claim: Claim

    var body: some View {
        if claim.value.hasPrefix("data:image/") {
            LabeledContent(claim.label) {
                if let picture {
                    Image(uiImage: picture).resizable().scaledToFit().frame(maxHeight: 160)
                        .accessibilityLabel(claim.label)
                }
            }
        } else {
            LabeledContent(claim.label, value: claim.value)
        }
    }

    /// The picture in a `data:` URL, if this device can show it.
    private var picture: UIImage? {
        guard let start = claim.value.range(of: "base64,") else { return nil }
        return Data(base64Encoded: String(claim.value[start.upperBound...])).flatMap(UIImage.init(data:))
    }
}

/// How old what is known of an issuer's list is.
func asOf(_ status: Status) -> String {
    let moment = Date(timeIntervalSince1970: TimeInterval(status.asOf)).formatted()
    let text = status.isCurrent ? String(localized: "status_as_of") : String(localized: "status_old")
    return String(format: text, moment)
}

/// One card with everything in it.
struct CardView: View {
    @ObservedObject var wallet: Lanyard
    let card: Card

    @EnvironmentObject private var model: Model
    @Environment(\.dismiss) private var dismiss
    @State private var isSure = false

    var body: some View {
        List {
            CardFace(wallet: wallet, card: card)
            if let text = card.description { Text(text) }
            ForEach(card.claims, id: \.label) { claim in
                ClaimView(claim: claim)
            }
            Section {
                Text(card.issuer)
                Text(String(format: String(localized: "signed_by"), card.signedBy))
                if let end = card.expiresAt {
                    Text(String(format: String(localized: "valid_until"), day(end)))
                }
                if card.hasStatus {
                    Text(card.status.map(asOf) ?? String(localized: "status_never"))
                }
                if card.copies > 1 {
                    Text(String(format: String(localized: "uses_left"), Int(card.unusedCopies), Int(card.copies)))
                }
            }
            .font(.footnote)
            Button("renew") { Task { await renew() } }
            Button("delete", role: .destructive) { isSure = true }
        }
        .navigationTitle(card.name)
        .confirmationDialog("delete_sure", isPresented: $isSure, titleVisibility: .visible) {
            Button("delete", role: .destructive) { Task { await delete() } }
        }
    }

    private func renew() async {
        do {
            model.step = .added([try await wallet.renew(card)])
        } catch {
            model.step = .message(model.said(error))
        }
    }

    private func delete() async {
        do {
            try await wallet.delete(card)
            dismiss()
        } catch {
            model.step = .message(model.said(error))
        }
    }
}

/// A link from the clipboard; the camera of the system reads codes and opens their links here.
struct AddView: View {
    @EnvironmentObject private var model: Model
    @State private var link = ""

    var body: some View {
        Form {
            Text("scan")
            TextField("paste_label", text: $link)
                .textInputAutocapitalization(.never)
                .autocorrectionDisabled()
            PasteButton(payloadType: String.self) { texts in link = texts.first ?? "" }
            Button("go_on") { Task { await model.follow(link) } }.disabled(link.isEmpty)
        }
        .navigationTitle("add")
    }
}

/// A message with a way back to the cards.
struct MessageView: View {
    @EnvironmentObject private var model: Model
    let text: String

    var body: some View {
        VStack(spacing: 16) {
            Text(text).font(.title2).accessibilityAddTraits(.isHeader)
            Button("done") { model.step = .cards }.buttonStyle(.borderedProminent)
        }
        .padding()
    }
}

/// A day in the holder's own form.
func day(_ seconds: Int64) -> String {
    Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(date: .abbreviated, time: .omitted)
}

extension Color {
    /// `#rrggbb`, as issuers write it; nil for everything else.
    init?(hex: String?) {
        guard let parts = Self.parts(hex) else { return nil }
        self.init(red: parts.0, green: parts.1, blue: parts.2)
    }

    /// Black or white, whichever is readable, whatever the issuer chose.
    static func readable(on hex: String?) -> Color {
        guard let (red, green, blue) = parts(hex) else { return .white }
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.6 ? .black : .white
    }

    private static func parts(_ hex: String?) -> (Double, Double, Double)? {
        guard let hex, hex.count == 7, hex.hasPrefix("#"), let value = UInt32(hex.dropFirst(), radix: 16) else {
            return nil
        }
        let part = { (shift: UInt32) in Double((value >> shift) & 0xff) / 255 }
        return (part(16), part(8), part(0))
    }
}
