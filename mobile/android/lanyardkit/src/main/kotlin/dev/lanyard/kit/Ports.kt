package dev.lanyard.kit

import dev.lanyard.bindings.AttestationPortException
import dev.lanyard.bindings.HttpExchange
import dev.lanyard.bindings.HttpHeader
import dev.lanyard.bindings.HttpPort
import dev.lanyard.bindings.HttpPortException
import dev.lanyard.bindings.HttpReply
import dev.lanyard.bindings.KeyAttestationPort
import dev.lanyard.bindings.KeyRecord
import dev.lanyard.bindings.KeyStorePort
import dev.lanyard.bindings.KeyStorePortException
import dev.lanyard.bindings.KeyToAttestRecord
import dev.lanyard.bindings.SecureStoragePort
import dev.lanyard.bindings.SecureStoragePortException
import dev.lanyard.bindings.ToSign
import dev.lanyard.bindings.UserAuthenticationPort
import dev.lanyard.bindings.WalletAttestationPort
import java.io.IOException
import java.security.GeneralSecurityException
import java.security.interfaces.ECPublicKey

/** What an app brings; [databaseKey] alone is a must. */
class Ports(
    val databaseKey: DatabaseKey,
    val keys: HolderKeys? = null,
    val http: Web? = null,
    val holder: Holder? = null,
    val walletAttestation: WalletAttester? = null,
    val keyAttestation: KeyAttester? = null,
)

/** Where the key of the database is kept. */
fun interface DatabaseKey {
    /** 32 bytes, made at random at the first call and the same ever after. */
    @Throws(GeneralSecurityException::class, IOException::class)
    suspend fun load(): ByteArray
}

/** Where holder keys live; on Android [AndroidKeys]. */
interface HolderKeys {
    /** Makes a key on P-256 under this name. */
    @Throws(GeneralSecurityException::class)
    suspend fun generate(name: String): ECPublicKey

    /** The public half; null when there is no such key. */
    @Throws(GeneralSecurityException::class)
    suspend fun publicKey(name: String): ECPublicKey?

    /** An ECDSA signature with SHA-256, in DER. */
    @Throws(GeneralSecurityException::class, NotUnlocked::class)
    suspend fun sign(name: String, message: ByteArray): ByteArray

    /**
     * Signs each message by its key. Override it where the holder is asked: once for the whole batch, which may have a
     * key for each of twenty copies.
     */
    @Throws(GeneralSecurityException::class, NotUnlocked::class)
    suspend fun signEach(wanted: List<Pair<String, ByteArray>>): List<ByteArray> =
        wanted.map { (name, message) -> sign(name, message) }

    /** Deletes a key; an unknown one is no error. */
    @Throws(GeneralSecurityException::class)
    suspend fun delete(name: String)
}

/** The holder did not unlock a key. */
class NotUnlocked : Exception("the key was not unlocked")

/** Your backend as wallet provider: it attests this instance of the app. */
fun interface WalletAttester {
    /** An `oauth-client-attestation+jwt` about this key, a JWK in JSON, to be shown to this server and no other. */
    @Throws(IOException::class)
    suspend fun attest(server: String, jwk: String): String
}

/** A holder key that is to be attested: its name in [HolderKeys], and its public half as a JWK in JSON. */
class KeyToAttest(val name: String, val jwk: String)

/** Your backend as wallet provider: it vouches for holder keys. */
fun interface KeyAttester {
    /** A `key-attestation+jwt` about all these keys in this order, with the issuer's nonce where there is one. */
    @Throws(IOException::class)
    suspend fun attest(keys: List<KeyToAttest>, nonce: String?): String
}

/** Asks the holder who they are before claims are shared. */
fun interface Holder {
    /** True when it is the holder. */
    suspend fun authenticate(): Boolean
}

/** Asks one way, and another way where that says no: biometrics, else [Lanyard.tryPin]. */
infix fun Holder.orElse(other: Holder): Holder = Holder { authenticate() || other.authenticate() }

/** The platform's HTTP client: no redirects, no cookies, no cache. */
fun interface Web {
    /** Sends one request and reads the whole answer. */
    @Throws(IOException::class)
    suspend fun send(request: WebRequest): WebAnswer
}

/** One request. */
class WebRequest(
    val method: String,
    val url: String,
    val headers: List<Pair<String, String>>,
    val body: ByteArray,
    val mostBytes: Long,
)

/** One answer. */
class WebAnswer(val status: Int, val headers: List<Pair<String, String>>, val body: ByteArray)

internal class DatabaseKeyPort(private val key: DatabaseKey) : SecureStoragePort {
    override suspend fun databaseKey(): ByteArray =
        try {
            key.load()
        } catch (_: Exception) {
            throw SecureStoragePortException.Unavailable()
        }
}

internal class HolderKeysPort(private val keys: HolderKeys) : KeyStorePort {
    override suspend fun generate(count: UInt): List<KeyRecord> = guarded {
        List(count.toInt()) {
            val name = "lanyard-" + java.util.UUID.randomUUID()
            KeyRecord(name, point(keys.generate(name)))
        }
    }

    override suspend fun publicKey(handle: String): ByteArray = guarded {
        point(keys.publicKey(handle) ?: throw KeyStorePortException.Unknown())
    }

    override suspend fun sign(handle: String, message: ByteArray): ByteArray = guarded { keys.sign(handle, message) }

    override suspend fun signEach(wanted: List<ToSign>): List<ByteArray> =
        guarded { keys.signEach(wanted.map { it.handle to it.message }) }

    override suspend fun delete(handles: List<String>) = guarded { handles.forEach { keys.delete(it) } }

    private inline fun <T> guarded(step: () -> T): T =
        try {
            step()
        } catch (_: NotUnlocked) {
            throw KeyStorePortException.NotAuthorised()
        } catch (_: GeneralSecurityException) {
            throw KeyStorePortException.Unavailable()
        }
}

internal class WalletAttesterPort(private val attester: WalletAttester) : WalletAttestationPort {
    override suspend fun attest(server: String, jwk: String): String =
        try {
            attester.attest(server, jwk)
        } catch (_: IOException) {
            throw AttestationPortException.Unavailable()
        }
}

internal class KeyAttesterPort(private val attester: KeyAttester) : KeyAttestationPort {
    override suspend fun attest(keys: List<KeyToAttestRecord>, nonce: String?): String =
        try {
            attester.attest(keys.map { KeyToAttest(it.handle, it.jwk) }, nonce)
        } catch (_: IOException) {
            throw AttestationPortException.Unavailable()
        }
}

internal class WebPort(private val web: Web) : HttpPort {
    override suspend fun send(exchange: HttpExchange): HttpReply =
        try {
            val headers = exchange.headers.map { it.name to it.value }
            val request =
                WebRequest(exchange.method, exchange.url, headers, exchange.body, exchange.mostBytes.toLong())
            val answer = web.send(request)
            HttpReply(answer.status.toUShort(), answer.headers.map { (name, value) -> HttpHeader(name, value) }, answer.body)
        } catch (_: IOException) {
            throw HttpPortException.NoAnswer()
        }
}

internal class HolderPort(private val holder: Holder) : UserAuthenticationPort {
    override suspend fun authenticateToShare(): Boolean = holder.authenticate()
}

/** `04 || x || y`, as the wallet takes it. */
internal fun point(key: ECPublicKey): ByteArray {
    fun fixed(number: java.math.BigInteger): ByteArray {
        val bytes = number.toByteArray()
        return if (bytes.size > 32) bytes.copyOfRange(bytes.size - 32, bytes.size) else ByteArray(32 - bytes.size) + bytes
    }
    return byteArrayOf(4) + fixed(key.w.affineX) + fixed(key.w.affineY)
}
