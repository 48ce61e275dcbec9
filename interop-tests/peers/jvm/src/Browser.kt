// The browser that a wallet opens: the holder logs in, allows, and is sent back to the wallet.
import java.net.CookieManager
import java.net.URI
import java.net.URLDecoder
import java.net.URLEncoder
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse

class Browser(private val login: String) {
    private val client = HttpClient.newBuilder().cookieHandler(CookieManager()).build()

    /** Where the authorization server sends the holder in the end, which the operating system hands the wallet. */
    fun redirectOf(authorizationUrl: String): String {
        val (name, password) = login.split(':', limit = 2)
        val page = URI(authorizationUrl)
        val hidden = queryOf(authorizationUrl).filterKeys { it == "client_id" || it == "request_uri" }
        val steps = listOf(mapOf("decision" to "log_in", "user" to name, "password" to password), mapOf("decision" to "allow"))

        var reply = send(HttpRequest.newBuilder(page).GET())
        for (typed in steps) {
            if (reply.statusCode() != 200) break
            val form = HttpRequest.BodyPublishers.ofString(encoded(hidden + typed))
            val target = URI(page.scheme, page.authority, page.path, null, null)
            reply = send(HttpRequest.newBuilder(target).header("content-type", "application/x-www-form-urlencoded").POST(form))
        }
        return reply.headers().firstValue("location").orElseThrow {
            IllegalStateException("the authorization endpoint answered ${reply.statusCode()}: ${reply.body().take(2000)}")
        }
    }

    private fun send(request: HttpRequest.Builder) = client.send(request.build(), HttpResponse.BodyHandlers.ofString())
}

private fun encoded(form: Map<String, String>) =
    form.entries.joinToString("&") { (name, value) -> "$name=${URLEncoder.encode(value, Charsets.UTF_8)}" }

fun queryOf(url: String): Map<String, String> =
    URI(url).rawQuery.split('&').associate { pair ->
        val (name, value) = pair.split('=', limit = 2)
        name to URLDecoder.decode(value, Charsets.UTF_8)
    }
