package dev.lanyard.app

import android.app.Activity
import android.content.Intent
import android.util.Base64
import androidx.credentials.DigitalCredential
import androidx.credentials.ExperimentalDigitalCredentialApi
import androidx.credentials.GetCredentialResponse
import androidx.credentials.GetDigitalCredentialOption
import androidx.credentials.exceptions.GetCredentialUnknownException
import androidx.credentials.provider.CallingAppInfo
import androidx.credentials.provider.PendingIntentHandler
import dev.lanyard.kit.RequestFailed
import java.security.MessageDigest

/** What Credential Manager opens when the holder chose one of this wallet's cards: the same review as for a link. */
@OptIn(ExperimentalDigitalCredentialApi::class)
class ProviderActivity : MainActivity() {
    override suspend fun opened() {
        val asked = PendingIntentHandler.retrieveProviderGetCredentialRequest(intent)
        val option = asked?.credentialOptions?.filterIsInstance<GetDigitalCredentialOption>()?.firstOrNull()
        if (option == null) return fail()
        try {
            val request = wallet.readPlatformRequests(option.requestJson, origin(asked.callingAppInfo))
            show(requestScreen(AskedByPlatform(request, ::handBack)))
        } catch (failure: RequestFailed) {
            fail()
            show(messageScreen(getString(R.string.failed, failure.message)))
        }
    }

    private fun handBack(protocol: String, data: String) {
        val json = """{"protocol":"$protocol","data":$data}"""
        val result = Intent()
        PendingIntentHandler.setGetCredentialResponse(result, GetCredentialResponse(DigitalCredential(json)))
        setResult(Activity.RESULT_OK, result)
    }

    private fun fail() {
        val result = Intent()
        PendingIntentHandler.setGetCredentialException(result, GetCredentialUnknownException())
        setResult(Activity.RESULT_OK, result)
        if (!hasScreens()) finish()
    }

    /** The page's origin where a browser of the list says it; else the app's own, by the key that signed it. */
    private fun origin(caller: CallingAppInfo): String {
        val browsers = assets.open("browsers.json").bufferedReader().use { it.readText() }
        val told = try {
            caller.getOrigin(browsers)
        } catch (_: IllegalStateException) {
            // an app that says an origin and is no browser of the list
            null
        }
        // OID4VP 1.0 App. A compares origins as text, and the platform ends them with a slash
        return told?.removeSuffix("/") ?: appOrigin(caller)
    }

    private fun appOrigin(caller: CallingAppInfo): String {
        val signer = caller.signingInfo.apkContentsSigners.first().toByteArray()
        val hash = MessageDigest.getInstance("SHA-256").digest(signer)
        val flags = Base64.URL_SAFE or Base64.NO_WRAP or Base64.NO_PADDING
        return "android:apk-key-hash:" + Base64.encodeToString(hash, flags)
    }
}
