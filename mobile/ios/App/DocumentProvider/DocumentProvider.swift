import Foundation
import IdentityDocumentServices
import IdentityDocumentServicesUI
import LanyardKit
import SwiftUI

/// The extension that the platform opens when the holder chose one of this wallet's documents for a page.
@main
@available(iOS 26.0, *)
struct DocumentProvider: IdentityDocumentProvider {
    var body: some IdentityDocumentRequestScene {
        ISO18013MobileDocumentRequestScene { context in
            ProviderView(context: context)
        }
    }

    /// The holder allowed it: now everything is registered.
    func performRegistrationUpdates() async {
        guard let cards = try? await Home.open().registrations() else { return }
        await PlatformChooser.register(cards)
    }
}

/// Who asks for what, before the platform gives the request itself: that comes when the holder goes on.
@available(iOS 26.0, *)
struct ProviderView: View {
    let context: ISO18013MobileDocumentRequestContext
    @State private var problem: String?
    @State private var isBusy = false

    var body: some View {
        Form {
            Section {
                Text(String(format: String(localized: "request_title"), origin ?? "?"))
                    .font(.title2)
                    .accessibilityAddTraits(.isHeader)
                ForEach(asked, id: \.self) { Text($0) }
                if let problem { Text(problem) }
            }
            Button("share") { Task { await share() } }.disabled(isBusy || origin == nil)
            Button("decline", role: .cancel) { context.cancel() }
        }
    }

    /// The elements of every document that is asked for, by their names.
    private var asked: [String] {
        context.request.presentmentRequests
            .flatMap(\.documentRequestSets)
            .flatMap(\.requests)
            .flatMap(\.namespaces)
            .flatMap { $0.value.keys }
    }

    /// The page's origin as the wallet compares it.
    private var origin: String? {
        guard let url = context.requestingWebsiteOrigin, let scheme = url.scheme, let host = url.host() else { return nil }
        return url.port.map { "\(scheme)://\(host):\($0)" } ?? "\(scheme)://\(host)"
    }

    private func share() async {
        guard let origin else { return }
        isBusy = true
        defer { isBusy = false }
        do {
            try await context.sendResponse { raw in
                try await answer(raw.requestData, origin: origin)
            }
        } catch {
            problem = String(format: String(localized: "failed"), error.localizedDescription)
        }
    }
}

/// Reads the request, has the holder show who they are, and answers with the least that is asked for.
@available(iOS 26.0, *)
@MainActor
private func answer(_ data: Data, origin: String) async throws -> ISO18013MobileDocumentResponse {
    let wallet = try await Home.open()
    let text = String(decoding: data, as: UTF8.self)
    let request = try await wallet.readPlatformRequest(protocol: "org-iso-mdoc", data: text, origin: origin)
    let consent = try await request.consent(picked: try request.choices().smallest)
    let answer = try await wallet.answer(request, consent: consent)
    return ISO18013MobileDocumentResponse(responseData: try response(in: answer))
}

/// The platform wants the bytes that the protocol has as base64url in `response`.
private func response(in answer: String) throws -> Data {
    let members = try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any]
    let text = (members?["response"] as? String ?? "")
        .replacingOccurrences(of: "-", with: "+")
        .replacingOccurrences(of: "_", with: "/")
    let padding = String(repeating: "=", count: (4 - text.count % 4) % 4)
    guard let bytes = Data(base64Encoded: text + padding), !bytes.isEmpty else {
        throw CocoaError(.coderReadCorrupt)
    }
    return bytes
}
