package dev.lanyard.kit

import java.io.File
import java.net.CookieManager
import java.net.ServerSocket
import java.net.URI
import java.net.URLEncoder
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.nio.file.Files
import java.util.concurrent.TimeUnit

/** A running `lanyard demo`, driven by its command line. */
class Demo : AutoCloseable {
    private val folder = Files.createTempDirectory("lanyard-kit-").toFile()
    private val data = File(folder, "data")
    val port = ServerSocket(0).use { it.localPort }
    val base = "http://localhost:$port"
    private val process: Process

    init {
        val log = File(folder, "log")
        process = ProcessBuilder(BINARY, "demo", "--port", "$port", "--data", data.path)
            .redirectErrorStream(true).redirectOutput(log).start()
        val end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60)
        while (!isReady()) {
            check(process.isAlive && System.nanoTime() < end) { log.readText() }
            Thread.sleep(100)
        }
    }

    private fun isReady(): Boolean = try {
        val asked = HttpRequest.newBuilder(URI("$base/readyz")).build()
        HttpClient.newHttpClient().send(asked, HttpResponse.BodyHandlers.discarding()).statusCode() == 200
    } catch (_: java.io.IOException) {
        false
    }

    val anchors: String get() = File(data, "ca.pem").readText()

    fun offer(type: String, vararg more: String, tenant: String = "demo"): String =
        ask("offer", "--type", type, *more, tenant = tenant)

    /** An offer of what will not be ready for an hour: its link. */
    fun offerLater(): String {
        val claims = """{"given_name":"Ada","family_name":"Moreau","employee_id":"AF-1"}"""
        val body = """{"configuration":"employee_badge","claims":$claims,"deferral":3600}"""
        return member(post("/api/demo/offers", body), "link")
    }

    fun request(vararg more: String): String = ask("request", *more)

    /** A request that asks too much, of a verifier that says why and whom to ask about it. */
    fun portrait(): String {
        val meta = """{"vct_values":["urn:lanyard:demo:employee-badge:1"]}"""
        val claims = """[{"path":["given_name"]},{"path":["portrait"]}]"""
        val query = """{"credentials":[{"id":"badge","format":"dc+sd-jwt","meta":$meta,"claims":$claims}]}"""
        val purpose = """[{"lang":"en","content":"To let you in"},{"lang":"de","content":"Um dich hereinzulassen"}]"""
        val data = """{"purpose":$purpose,"policyURI":"https://desk.example/privacy","supportURI":"privacy@desk.example"}"""
        return request("--dcql", query, "--verifier-info", """[{"format":"registrar_dataset","data":$data}]""")
    }

    fun verdict(session: String): String = ask("result", "--wait", "20", session)

    fun revoke(offer: String): String = ask("revoke", offer)

    /** A request for the platform: its name, and the `data` that a page would hand over. */
    fun askPlatform(preset: String, protocol: String): Pair<String, String> {
        val body = """{"preset":"$preset","dc_api":{"protocols":["$protocol"],"origins":["$base"]}}"""
        val made = post("/api/demo/requests", body)
        val data = made.substringAfter(""""data":""").substringBefore("""}]},"expires_at"""")
        return member(made, "id") to data
    }

    /** What the page does with the platform's answer. */
    fun answerPlatform(session: String, protocol: String, data: String) {
        post("/api/demo/requests/$session/dc-api", """{"protocol":"$protocol","data":$data,"origin":"$base"}""")
    }

    /** The demo's wallet provider, which vouches for whoever asks. */
    fun attest(jwk: String): String =
        member(post("/sandbox/attestation", """{"client_id":"lanyard-wallet","jwk":$jwk}"""), "attestation")

    /** The same provider, which vouches for keys. */
    fun attestKeys(jwks: List<String>, nonce: String?): String {
        val body = """{"jwks":$jwks,"nonce":${nonce?.let { "\"$it\"" }}}"""
        return member(post("/sandbox/key-attestation", body), "attestation")
    }

    /** The DID that the demo signs W3C credentials by: it stands in what a wallet that does not know it refuses. */
    suspend fun issuerDid(open: suspend (Web) -> Lanyard): String {
        val platform = PlatformWeb()
        var credential = ""
        val wallet = open { request ->
            val answer = platform.send(request)
            val text = answer.body.decodeToString()
            if (request.url.endsWith("/credential")) credential = member(text, "credential")
            if (!request.url.contains("/.well-known/openid-credential-issuer/")) return@open answer
            // an issuer that encrypts nothing
            val plain = text.replace("credential_response_encryption", "x_response")
                .replace("credential_request_encryption", "x_request")
            WebAnswer(answer.status, answer.headers, plain.encodeToByteArray())
        }
        val offer = wallet.readOffer(member(offer("safety_training"), "link")) as OfferReady
        try {
            wallet.accept(offer.offer)
        } catch (_: AcceptFailedFailed) {
            // this wallet does not believe the DID
        }
        val payload = String(java.util.Base64.getUrlDecoder().decode(credential.split(".")[1]))
        return member(payload, "iss")
    }

    private fun post(path: String, body: String): String {
        val request = HttpRequest.newBuilder(URI(base + path))
            .header("Content-Type", "application/json")
            .header("Authorization", "Bearer " + File(data, "api-key").readText().trim())
            .POST(HttpRequest.BodyPublishers.ofString(body)).build()
        val answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString())
        check(answer.statusCode() in 200..299) { answer.body() }
        return answer.body()
    }

    private fun ask(command: String, vararg arguments: String, tenant: String = "demo"): String {
        val server = arrayOf("--server", base, "--tenant", tenant, "--api-key-file", File(data, "api-key").path)
        val call = ProcessBuilder(BINARY, command, *server, *arguments, "--json").start()
        return call.inputStream.bufferedReader().readText().also { call.waitFor() }
    }

    /** Goes through the issuer's pages as the demo's holder: the link that the browser comes back with. */
    fun logIn(url: String): String {
        val browser = HttpClient.newBuilder().cookieHandler(CookieManager()).build()
        var page = browser.send(HttpRequest.newBuilder(URI(url)).build(), HttpResponse.BodyHandlers.ofString())
        val steps = listOf("&user=ada&password=demo&decision=log_in", "&decision=allow")
        for (step in steps) {
            val hidden = Regex("""type="hidden" name="([^"]+)" value="([^"]*)"""").findAll(page.body())
            val fields = hidden.joinToString("&") { (_, name, value) -> "$name=" + URLEncoder.encode(value, "UTF-8") }
            val form = HttpRequest.newBuilder(URI(url))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .header("Origin", base)
                .POST(HttpRequest.BodyPublishers.ofString(fields + step)).build()
            page = browser.send(form, HttpResponse.BodyHandlers.ofString())
        }
        return page.headers().firstValue("location").orElseThrow { AssertionError(page.body()) }
    }

    override fun close() {
        process.destroy()
        process.waitFor()
    }

    private operator fun MatchResult.component1() = groupValues[0]

    private operator fun MatchResult.component2() = groupValues[1]

    private operator fun MatchResult.component3() = groupValues[2]

    private companion object {
        val BINARY: String = System.getProperty("lanyard.binary")
    }
}

/** One text member of a JSON object, wherever it stands. */
fun member(json: String, name: String): String =
    Regex(""""$name"\s*:\s*"((?:[^"\\]++|\\.)*+)"""").find(json)?.groupValues?.get(1)
        ?: throw AssertionError("no $name in $json")
