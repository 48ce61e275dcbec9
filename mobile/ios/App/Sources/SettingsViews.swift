import LanyardKit
import SwiftUI

/// Everything that happened.
struct HistoryView: View {
    let wallet: Lanyard
    @State private var search = ""
    @State private var entries: [HistoryEntry] = []
    @State private var isSure = false

    var body: some View {
        List {
            ForEach(entries, id: \.id) { entry in
                VStack(alignment: .leading) {
                    Text("\(day(entry.at)) · \(what(entry.kind))")
                    Text(details(entry)).font(.footnote)
                }
                .accessibilityElement(children: .combine)
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
        .confirmationDialog("forget_all", isPresented: $isSure) {
            Button("forget_all", role: .destructive) {
                try? wallet.forgetHistory()
                load()
            }
        }
    }

    private func load() {
        entries = (try? wallet.history(search: search)) ?? []
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
