import LanyardKit
import SwiftUI

/// Everything that happened.
struct HistoryView: View {
    let wallet: Lanyard
    /// Whose entries, if not everybody's.
    var party: String?
    @State private var search = ""
    @State private var kind = Kind.everything
    @State private var isBounded = false
    @State private var from = Date()
    @State private var until = Date()
    @State private var entries: [HistoryEntry] = []
    @State private var isSure = false

    var body: some View {
        List {
            if party == nil { NavigationLink("shared_with") { SharedWithView(wallet: wallet) } }
            Picker("search", selection: $kind) {
                ForEach(Kind.allCases, id: \.self) { Text(LocalizedStringKey($0.rawValue)) }
            }
            Toggle("from_day", isOn: $isBounded)
            if isBounded {
                DatePicker("from_day", selection: $from, displayedComponents: .date)
                DatePicker("until_day", selection: $until, displayedComponents: .date)
            }
            ForEach(entries, id: \.id) { entry in
                VStack(alignment: .leading) {
                    Text("\(day(entry.at)) · \(what(entry.kind))")
                    Text(details(entry)).font(.footnote)
                    if let purpose = entry.told?.purpose {
                        Text(String(format: String(localized: "told_purpose"), purpose)).font(.footnote)
                    }
                    ForEach(entry.told?.forDeletion ?? [], id: \.uri) { contact in
                        ContactLink(label: String(localized: "told_contact"), contact: contact).font(.footnote)
                    }
                }
                .swipeActions {
                    Button("delete", role: .destructive) {
                        try? wallet.forget(entry)
                        load()
                    }
                }
            }
            if let text = try? wallet.exportHistory() { ShareLink("export", item: text) }
            Button("forget_all", role: .destructive) { isSure = true }
        }
        .navigationTitle("history")
        .searchable(text: $search)
        .onAppear(perform: load)
        .onChange(of: search) { _ in load() }
        .onChange(of: kind) { _ in load() }
        .onChange(of: isBounded) { _ in load() }
        .onChange(of: from) { _ in load() }
        .onChange(of: until) { _ in load() }
        .confirmationDialog("forget_all", isPresented: $isSure) {
            Button("forget_all", role: .destructive) {
                try? wallet.forgetHistory()
                load()
            }
        }
    }

    private func load() {
        let calendar = Calendar.current
        let first = calendar.startOfDay(for: from)
        let end = calendar.date(byAdding: .day, value: 1, to: calendar.startOfDay(for: until)) ?? until
        let wanted = HistoryFilter(
            text: search,
            kinds: kind.kinds,
            party: party,
            from: isBounded ? Int64(first.timeIntervalSince1970) : nil,
            until: isBounded ? Int64(end.timeIntervalSince1970) : nil
        )
        entries = (try? wallet.find(wanted)) ?? []
    }

    private func details(_ entry: HistoryEntry) -> String {
        let parts = [entry.partyName ?? entry.party] + entry.credentials + entry.claims
        return parts.filter { !$0.isEmpty }.joined(separator: " · ")
    }

    private func what(_ event: HistoryEvent) -> String {
        switch event {
        case .received: return String(localized: "event_received")
        case .deferred: return String(localized: "event_deferred")
        case .offerDeclined: return String(localized: "event_offer_declined")
        case .issuanceFailed(_, let reason):
            return String(format: String(localized: "event_issuance_failed"), reason)
        case .presented: return String(localized: "event_presented")
        case .requestDeclined: return String(localized: "event_request_declined")
        case .presentationFailed(_, let reason):
            return String(format: String(localized: "event_presentation_failed"), reason)
        case .deleted: return String(localized: "event_deleted")
        }
    }
}

/// What kind of thing is looked for; each named by its word.
private enum Kind: String, CaseIterable {
    case everything = "history"
    case received = "event_received"
    case shared = "event_presented"
    case declined = "kind_declined"
    case failed = "kind_failed"
    case deleted = "event_deleted"

    var kinds: [HistoryEventKind] {
        switch self {
        case .everything: return []
        case .received: return [.received, .deferred]
        case .shared: return [.presented]
        case .declined: return [.offerDeclined, .requestDeclined]
        case .failed: return [.issuanceFailed, .presentationFailed]
        case .deleted: return [.deleted]
        }
    }
}

/// The verifiers that got something, and whom to ask for its deletion.
struct SharedWithView: View {
    let wallet: Lanyard

    var body: some View {
        List(parties, id: \.party) { one in
            Section {
                NavigationLink(one.partyName ?? one.party) { HistoryView(wallet: wallet, party: one.party) }
                Text(line(one)).font(.footnote)
                if one.told.forDeletion.isEmpty { Text("told_nobody").font(.footnote) }
                ForEach(one.told.forDeletion, id: \.uri) { contact in
                    ContactLink(label: String(localized: "told_contact"), contact: contact)
                }
            }
        }
        .navigationTitle("shared_with")
    }

    private var parties: [SharedWith] {
        (try? wallet.sharedWith()) ?? []
    }

    private func line(_ one: SharedWith) -> String {
        let claims = one.claims.joined(separator: ", ")
        return String(format: String(localized: "shared_times"), Int(one.times), day(one.lastAt), claims)
    }
}

/// Sets or removes the PIN.
struct PinView: View {
    @EnvironmentObject private var model: Model
    let wallet: Lanyard
    @State private var present = ""
    @State private var new = ""
    @State private var said: String?

    var body: some View {
        let hasPin = (try? wallet.hasPin()) ?? false
        Form {
            Text("pin_text")
            if let said { Text(said) }
            if hasPin { SecureField("pin_present", text: $present).keyboardType(.numberPad) }
            SecureField("pin_new", text: $new).keyboardType(.numberPad)
            Button("pin_set") {
                change(to: "pin_saved") { try wallet.setPin(new, present: hasPin ? present : nil) }
            }
            if hasPin {
                Button("pin_remove", role: .destructive) {
                    change(to: "pin_removed") { try wallet.removePin(present: present) }
                }
            }
        }
        .navigationTitle("pin_set")
    }

    private func change(to done: String.LocalizationValue, by step: () throws -> Void) {
        do {
            try step()
            said = String(localized: done)
        } catch let failure as PinFailed {
            said = model.said(failure)
        } catch {
            said = model.said(error)
        }
        (present, new) = ("", "")
    }
}

/// Recovery, out and in.
struct RecoveryView: View {
    @EnvironmentObject private var model: Model
    let wallet: Lanyard
    @State private var kit: Recovery?
    @State private var list = ""
    @State private var code = ""
    @State private var items: [InventoryItem] = []
    @State private var problem: String?

    var body: some View {
        Form {
            Section {
                Text("recovery_text")
                Button("recovery_save") { kit = try? wallet.exportInventory() }
                if let kit {
                    Text(String(format: String(localized: "recovery_code"), kit.recoveryCode))
                        .textSelection(.enabled)
                    ShareLink("recovery_save", item: kit.sealed.base64EncodedString())
                }
            }
            Section("recovery_open") {
                TextField("recovery", text: $list)
                TextField("recovery_code_label", text: $code).autocorrectionDisabled()
                Button("recovery_open", action: open)
                if let problem { Text(problem) }
                ForEach(items, id: \.configuration) { item in
                    Button(item.name) { Task { await ask(item) } }
                }
            }
        }
        .navigationTitle("recovery")
    }

    private func open() {
        do {
            items = try wallet.openInventory(Data(base64Encoded: list) ?? Data(), code: code)
        } catch {
            problem = String(localized: "recovery_wrong")
        }
    }

    private func ask(_ item: InventoryItem) async {
        do {
            model.show(try await wallet.askAgain(item))
        } catch {
            model.step = .message(model.said(error))
        }
    }
}
