import Foundation

/// The HTTP client of iOS, with the system's proxies and certificates.
public final class PlatformWeb: NSObject, Web, URLSessionTaskDelegate {
    private struct TooLong: Error {}

    private let session: URLSession

    override public init() {
        let settings = URLSessionConfiguration.ephemeral
        settings.httpShouldSetCookies = false
        settings.urlCache = nil
        settings.timeoutIntervalForRequest = 10
        session = URLSession(configuration: settings)
        super.init()
    }

    public func send(_ request: URLRequest, mostBytes: Int) async throws -> (HTTPURLResponse, Data) {
        let (stream, answer) = try await session.bytes(for: request, delegate: self)
        guard let answer = answer as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        var body = Data()
        for try await byte in stream {
            guard body.count < mostBytes else { throw TooLong() }
            body.append(byte)
        }
        return (answer, body)
    }

    public func urlSession(
        _ session: URLSession,
        task: URLSessionTask,
        willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest
    ) async -> URLRequest? {
        nil
    }
}
