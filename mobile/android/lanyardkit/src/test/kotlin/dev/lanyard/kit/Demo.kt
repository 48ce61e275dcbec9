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
    private val base = "http://localhost:$port"
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

    fun offer(type: String, vararg more: String): String = ask("offer", "--type", type, *more)

    fun request(vararg more: String): String = ask("request", *more)

    fun verdict(session: String): String = ask("result", "--wait", "20", session)

    private fun ask(command: String, vararg arguments: String): String {
        val server = arrayOf("--server", base, "--tenant", "demo", "--api-key-file", File(data, "api-key").path)
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
    Regex(""""$name"\s*:\s*"((?:[^"\\]|\\.)*)"""").find(json)?.groupValues?.get(1)
        ?: throw AssertionError("no $name in $json")
