// Certificates: which server is spoken to, and whose credentials are believed.
import io.ktor.client.HttpClient
import io.ktor.client.engine.java.Java
import io.ktor.client.plugins.contentnegotiation.ContentNegotiation
import io.ktor.serialization.kotlinx.json.json
import java.io.File
import java.security.KeyStore
import java.security.cert.CertPathValidator
import java.security.cert.CertificateFactory
import java.security.cert.PKIXParameters
import java.security.cert.TrustAnchor
import java.security.cert.X509Certificate
import javax.net.ssl.SSLContext
import javax.net.ssl.TrustManagerFactory
import kotlinx.serialization.json.Json
import org.multipaz.crypto.X509CertChain

private val certificates = CertificateFactory.getInstance("X.509")

fun readCertificate(file: String) = readCertificate(File(file).readBytes())

/** Every certificate in a PEM file. */
fun readCertificates(file: String) =
    File(file).inputStream().use { certificates.generateCertificates(it).map { one -> one as X509Certificate } }

/** PEM or DER. */
fun readCertificate(bytes: ByteArray) = certificates.generateCertificate(bytes.inputStream()) as X509Certificate

/** Whether a chain without its anchor ends at one of the anchors. */
fun endsAt(anchors: List<X509Certificate>, chain: List<X509Certificate>): Boolean {
    val path = certificates.generateCertPath(chain)
    val rules = PKIXParameters(anchors.map { TrustAnchor(it, null) }.toSet()).apply { isRevocationEnabled = false }
    return runCatching { CertPathValidator.getInstance("PKIX").validate(path, rules) }.isSuccess
}

fun javaChain(chain: X509CertChain) = chain.certificates.map { readCertificate(it.encoded.toByteArray()) }

/** A client that reads JSON as the EU library does. */
fun httpClient() = HttpClient(Java) { install(ContentNegotiation) { json(Json { ignoreUnknownKeys = true }) } }

/** From here on every HTTP client believes servers whose certificate ends at this authority, and no others. */
fun trustServersOf(tlsAuthority: String) = SSLContext.setDefault(trusting(readCertificate(tlsAuthority)))

private fun trusting(authority: X509Certificate): SSLContext {
    val trusted = KeyStore.getInstance(KeyStore.getDefaultType()).apply { load(null) }
    trusted.setCertificateEntry("authority", authority)
    val managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm()).apply { init(trusted) }
    return SSLContext.getInstance("TLS").apply { init(null, managers.trustManagers, null) }
}
