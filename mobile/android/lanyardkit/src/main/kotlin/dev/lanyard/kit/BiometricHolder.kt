package dev.lanyard.kit

import android.content.Context
import android.hardware.biometrics.BiometricManager.Authenticators
import android.hardware.biometrics.BiometricPrompt
import android.os.CancellationSignal
import kotlin.coroutines.resume
import kotlinx.coroutines.suspendCancellableCoroutine

/** Asks for a fingerprint, a face or the device's PIN; [title] and [reason] are shown with it. */
class BiometricHolder(
    private val context: Context,
    private val title: String,
    private val reason: String,
) : Holder {
    override suspend fun authenticate(): Boolean = suspendCancellableCoroutine { waiting ->
        val cancel = CancellationSignal()
        waiting.invokeOnCancellation { cancel.cancel() }
        val prompt = BiometricPrompt.Builder(context)
            .setTitle(title)
            .setDescription(reason)
            .setAllowedAuthenticators(Authenticators.BIOMETRIC_STRONG or Authenticators.DEVICE_CREDENTIAL)
            .build()
        prompt.authenticate(cancel, context.mainExecutor, object : BiometricPrompt.AuthenticationCallback() {
            override fun onAuthenticationSucceeded(result: BiometricPrompt.AuthenticationResult) = end(true)

            override fun onAuthenticationError(code: Int, text: CharSequence) = end(false)

            private fun end(isHolder: Boolean) {
                if (waiting.isActive) waiting.resume(isHolder)
            }
        })
    }
}
