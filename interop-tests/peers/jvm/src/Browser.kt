// The browser that a wallet opens: one request to the authorization endpoint, not followed any further.
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse

/** Where the authorization server sends the browser, which is what the operating system hands the wallet. */
fun redirectOf(authorizationUrl: String): String {
    val asked = HttpRequest.newBuilder(URI(authorizationUrl)).GET().build()
    val reply = HttpClient.newHttpClient().send(asked, HttpResponse.BodyHandlers.ofString())
    return reply.headers().firstValue("location").orElseThrow {
        IllegalStateException("the authorization endpoint answered ${reply.statusCode()}: ${reply.body().take(200)}")
    }
}

fun queryOf(url: String): Map<String, String> =
    URI(url).rawQuery.split('&').associate { pair ->
        val (name, value) = pair.split('=', limit = 2)
        name to java.net.URLDecoder.decode(value, Charsets.UTF_8)
    }
