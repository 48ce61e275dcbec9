package dev.lanyard.kit

import java.io.InputStream
import java.net.HttpURLConnection
import java.net.URI
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runInterruptible

/** The HTTP client of Android and of the JVM, with the system's proxies and certificates. */
class PlatformWeb(private val timeout: Int = 10_000) : Web {
    override suspend fun send(request: WebRequest): WebAnswer = runInterruptible(Dispatchers.IO) {
        val connection = URI(request.url).toURL().openConnection() as HttpURLConnection
        try {
            connection.requestMethod = request.method
            connection.instanceFollowRedirects = false
            connection.useCaches = false
            connection.connectTimeout = timeout
            connection.readTimeout = timeout
            request.headers.forEach { (name, value) -> connection.setRequestProperty(name, value) }
            if (request.body.isNotEmpty()) {
                connection.doOutput = true
                connection.setFixedLengthStreamingMode(request.body.size)
                connection.outputStream.use { it.write(request.body) }
            }
            val status = connection.responseCode
            val stream: InputStream? = if (status < 400) connection.inputStream else connection.errorStream
            // one byte more than wanted: the wallet then sees that it is too much
            val body = stream?.use { read(it, request.mostBytes + 1) } ?: ByteArray(0)
            val headers = connection.headerFields.filterKeys { it != null }
            WebAnswer(status, headers.flatMap { (name, values) -> values.map { name to it } }, body)
        } finally {
            connection.disconnect()
        }
    }

    private fun read(stream: InputStream, most: Long): ByteArray {
        val kept = java.io.ByteArrayOutputStream()
        val chunk = ByteArray(16 * 1024)
        while (kept.size() < most) {
            val count = stream.read(chunk, 0, minOf(chunk.size.toLong(), most - kept.size()).toInt())
            if (count < 0) break
            kept.write(chunk, 0, count)
        }
        return kept.toByteArray()
    }
}
