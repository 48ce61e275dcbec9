package dev.lanyard.kit

import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import android.security.keystore.StrongBoxUnavailableException
import android.security.keystore.UserNotAuthenticatedException
import java.security.KeyPairGenerator
import java.security.KeyStore
import java.security.PrivateKey
import java.security.ProviderException
import java.security.Signature
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

/**
 * Holder keys in the Android Keystore.
 *
 * [strongBox] asks for the separate chip first. Leave it off unless you have tested the devices that you support: many
 * StrongBox implementations are slow and some fail under load. Whatever the chip refuses goes to the trusted
 * execution environment, which every device has.
 *
 * With [unlockSeconds] a key signs only that long after the holder unlocked the device or authenticated; put a
 * [BiometricHolder] beside it, which opens that window.
 */
class AndroidKeys(private val strongBox: Boolean = false, private val unlockSeconds: Int? = null) : HolderKeys {
    private val store: KeyStore by lazy { KeyStore.getInstance(PROVIDER).apply { load(null) } }

    override suspend fun generate(name: String): ECPublicKey = withContext(Dispatchers.IO) {
        if (strongBox) {
            try {
                return@withContext generateIn(name, strongBox = true)
            } catch (_: StrongBoxUnavailableException) {
                // the device has none
            } catch (_: ProviderException) {
                // it has one that does not do its work
            }
        }
        generateIn(name, strongBox = false)
    }

    override suspend fun publicKey(name: String): ECPublicKey? = withContext(Dispatchers.IO) {
        store.getCertificate(name)?.publicKey as ECPublicKey?
    }

    override suspend fun sign(name: String, message: ByteArray): ByteArray = withContext(Dispatchers.IO) {
        val key = store.getKey(name, null) as? PrivateKey ?: throw java.security.KeyException("no such key")
        try {
            Signature.getInstance("SHA256withECDSA").run {
                initSign(key)
                update(message)
                sign()
            }
        } catch (_: UserNotAuthenticatedException) {
            throw NotUnlocked()
        }
    }

    override suspend fun delete(name: String) = withContext(Dispatchers.IO) {
        if (store.containsAlias(name)) store.deleteEntry(name)
    }

    private fun generateIn(name: String, strongBox: Boolean): ECPublicKey {
        val spec = KeyGenParameterSpec.Builder(name, KeyProperties.PURPOSE_SIGN)
            .setAlgorithmParameterSpec(ECGenParameterSpec("secp256r1"))
            .setDigests(KeyProperties.DIGEST_SHA256)
            .setIsStrongBoxBacked(strongBox)
        unlockSeconds?.let { seconds ->
            val ways = KeyProperties.AUTH_BIOMETRIC_STRONG or KeyProperties.AUTH_DEVICE_CREDENTIAL
            spec.setUserAuthenticationRequired(true).setUserAuthenticationParameters(seconds, ways)
        }
        val generator = KeyPairGenerator.getInstance(KeyProperties.KEY_ALGORITHM_EC, PROVIDER)
        generator.initialize(spec.build())
        return generator.generateKeyPair().public as ECPublicKey
    }

    private companion object {
        const val PROVIDER = "AndroidKeyStore"
    }
}
