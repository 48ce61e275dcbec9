package dev.lanyard.kit

import java.security.KeyPair
import java.security.KeyPairGenerator
import java.security.Signature
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec
import java.util.concurrent.ConcurrentHashMap

/** Holder keys in memory, with the same code path as hardware: for tests of apps, never for what is shipped. */
class SoftwareKeys : HolderKeys {
    private val pairs = ConcurrentHashMap<String, KeyPair>()

    /** The names of the keys that are there. */
    val names: Set<String> get() = pairs.keys

    override suspend fun generate(name: String): ECPublicKey {
        val generator = KeyPairGenerator.getInstance("EC")
        generator.initialize(ECGenParameterSpec("secp256r1"))
        return generator.generateKeyPair().also { pairs[name] = it }.public as ECPublicKey
    }

    override suspend fun publicKey(name: String): ECPublicKey? = pairs[name]?.public as ECPublicKey?

    override suspend fun sign(name: String, message: ByteArray): ByteArray {
        val signature = Signature.getInstance("SHA256withECDSA")
        signature.initSign((pairs[name] ?: throw java.security.KeyException("no such key")).private)
        signature.update(message)
        return signature.sign()
    }

    override suspend fun delete(name: String) {
        pairs.remove(name)
    }
}
