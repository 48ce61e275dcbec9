import LocalAuthentication

/// Asks for Face ID, Touch ID or the passcode.
public final class BiometricHolder: Holder {
    private let reason: String

    /// - Parameter reason: shown with the question, in the holder's language.
    public init(reason: String) {
        self.reason = reason
    }

    public func authenticate() async -> Bool {
        let asked = try? await LAContext().evaluatePolicy(.deviceOwnerAuthentication, localizedReason: reason)
        return asked ?? false
    }
}
