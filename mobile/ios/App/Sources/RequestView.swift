import LanyardKit
import SwiftUI

/// Who asks for what, and the holder's yes or no.
struct RequestView: View {
    @EnvironmentObject private var model: Model
    @Environment(\.openURL) private var openURL
    let wallet: Lanyard
    let request: Request
    @State private var options: [UInt32?] = []
    @State private var picks: [String: PickedCard] = [:]
    @State private var problem: String?

    var body: some View {
        let verifier = request.verifier()
        Form {
            Section {
                Text(String(format: String(localized: "request_title"), verifier.name ?? verifier.address))
                    .font(.title2)
                    .accessibilityAddTraits(.isHeader)
                Label(trust(verifier), systemImage: symbol(verifier.trust))
                if let problem { Text(problem) }
            }
            ToldView(told: verifier.told)
            if let choices = try? request.choices() {
                if !choices.overAsked.isEmpty {
                    Section("over_asked_title") {
                        ForEach(Array(choices.overAsked.enumerated()), id: \.offset) { _, flag in
                            Label(said(flag.kind, of: flag.claim), systemImage: "exclamationmark.triangle")
                        }
                    }
                }
                ForEach(transactions, id: \.self) { Text($0) }
                ForEach(Array(choices.sets.enumerated()), id: \.offset) { place, set in
                    purpose(place, set, choices)
                }
                Button("share") { Task { await share() } }
            } else {
                Text("nothing_fits")
            }
            if !unusable.isEmpty {
                Section("unusable") {
                    ForEach(unusable, id: \.card) { one in
                        VStack(alignment: .leading) {
                            Text("\(one.cardName) (\(one.issuer))")
                            Text(reason(one.standing)).font(.footnote)
                            if let status = one.status { Text(asOf(status)).font(.footnote) }
                        }
                        .accessibilityElement(children: .combine)
                    }
                }
            }
            Button("decline", role: .cancel) { Task { await decline() } }
        }
        .onAppear { options = (try? request.choices().smallest.options) ?? [] }
    }

    /// Cards that would answer if they were good.
    private var unusable: [UnusableCard] {
        (try? request.unusable()) ?? []
    }

    private func reason(_ standing: Standing) -> String {
        switch standing {
        case .revoked: return String(localized: "revoked")
        case .suspended: return String(localized: "suspended")
        case .expired, .endsSoon, .valid: return String(localized: "expired")
        }
    }

    private var transactions: [String] {
        ((try? request.transactions()) ?? []).map { one in
            switch one {
            case .payment(let payee, let amount, let currency, _):
                return String(format: String(localized: "payment"), amount, currency, payee)
            case .documentSigning(let documents):
                return String(format: String(localized: "sign_documents"), documents.joined(separator: ", "))
            }
        }
    }

    @ViewBuilder
    private func purpose(_ place: Int, _ set: Purpose, _ choices: Choices) -> some View {
        Section(set.required ? "required" : "optional") {
            ForEach(Array(set.options.enumerated()), id: \.offset) { option, queries in
                if !set.required || set.options.count > 1 {
                    Toggle(queries.joined(separator: " + "), isOn: isPicked(place, UInt32(option)))
                }
                ForEach(choices.queries.filter { queries.contains($0.id) }, id: \.id) { query in
                    candidates(query)
                }
            }
        }
    }

    @ViewBuilder
    private func candidates(_ query: Query) -> some View {
        if query.candidates.count > 1 {
            Picker(query.id, selection: candidate(query.id)) {
                ForEach(Array(query.candidates.enumerated()), id: \.offset) { place, one in
                    Text("\(one.cardName) (\(one.issuer))").tag(UInt32(place))
                }
            }
        }
        let chosen = Int(picks[query.id]?.candidate ?? 0)
        if query.candidates.indices.contains(chosen), let claims = query.candidates[chosen].claimSets.first {
            ForEach(claims.claims, id: \.label) { claim in
                ClaimView(claim: Claim(label: claim.label, value: claim.value))
                if let what = claim.overAsked {
                    Label(said(what, of: claim.label), systemImage: "exclamationmark.triangle").font(.footnote)
                }
            }
        }
    }

    private func said(_ what: OverAsking, of claim: String?) -> String {
        let reason: String
        switch what {
        case .birthDate: reason = String(localized: "over_birth_date")
        case .age: reason = String(localized: "over_age")
        case .portrait: reason = String(localized: "over_portrait")
        case .uniqueNumber: reason = String(localized: "over_unique_number")
        case .street: reason = String(localized: "over_street")
        case .wholeAddress: reason = String(localized: "over_whole_address")
        case .sex: reason = String(localized: "over_sex")
        case .birthName: reason = String(localized: "over_birth_name")
        case .birthPlace: reason = String(localized: "over_birth_place")
        case .manyClaims: reason = String(localized: "over_many_claims")
        }
        return String(format: String(localized: "over_asked_line"), claim ?? String(localized: "over_asked_all"), reason)
    }

    private func isPicked(_ place: Int, _ option: UInt32) -> Binding<Bool> {
        Binding(
            get: { options.indices.contains(place) && options[place] == option },
            set: { options[place] = $0 ? option : nil }
        )
    }

    private func candidate(_ query: String) -> Binding<UInt32> {
        Binding(
            get: { picks[query]?.candidate ?? 0 },
            set: { picks[query] = PickedCard(candidate: $0, claimSet: 0) }
        )
    }

    private func share() async {
        do {
            let cards = picks.map { Pick(query: $0.key, cards: [$0.value]) }
            let consent = try await request.consent(picked: Selection(options: options, picks: cards))
            let next = try await wallet.answer(request, consent: consent)
            model.step = .message(String(localized: "shared"))
            if let next, let url = URL(string: next) { openURL(url) }
        } catch ConsentFailed.NotAuthenticated {
            problem = String(localized: "not_you")
        } catch let error as ConsentFailed {
            problem = model.said(error)
        } catch {
            model.step = .message(model.said(error))
        }
    }

    private func decline() async {
        // the holder's no stands, whether it was heard or not
        _ = try? await request.decline()
        model.step = .message(String(localized: "declined"))
    }

    private func trust(_ verifier: Verifier) -> String {
        switch verifier.trust {
        case .certified: return String(localized: "trust_certified")
        case .attested: return String(format: String(localized: "trust_attested"), verifier.vouchedBy ?? "")
        case .registered: return String(localized: "trust_registered")
        case .didOnly: return String(format: String(localized: "trust_did"), verifier.vouchedBy ?? "")
        case .addressOnly: return String(format: String(localized: "trust_address"), verifier.address)
        }
    }

    private func symbol(_ trust: Trust) -> String {
        switch trust {
        case .certified, .attested, .registered: return "checkmark.seal"
        case .didOnly, .addressOnly: return "questionmark.circle"
        }
    }
}

/// What a verifier says of itself, and whom to ask about it.
struct ToldView: View {
    let told: Told

    var body: some View {
        if told.purpose != nil || !told.contactsToShow.isEmpty {
            Section("told_title") {
                if let purpose = told.purpose { Text(String(format: String(localized: "told_purpose"), purpose)) }
                ForEach(told.contactsToShow, id: \.contact.uri) { ContactLink(label: label($0.kind), contact: $0.contact) }
            }
        }
    }

    private func label(_ kind: ContactUse) -> String {
        switch kind {
        case .privacyPolicy: return String(localized: "told_privacy")
        case .terms: return String(localized: "told_terms")
        case .questions: return String(localized: "told_contact")
        case .complaints: return String(localized: "told_authority")
        }
    }
}

/// A contact that opens in the browser, the mail app or the dialler.
struct ContactLink: View {
    let label: String
    let contact: Contact

    var body: some View {
        if let url = URL(string: contact.uri) {
            Link(String(format: label, contact.shown), destination: url)
        }
    }
}
