package dev.lanyard.app

import android.app.Application
import dev.lanyard.kit.AndroidDatabaseKey
import dev.lanyard.kit.AndroidKeys
import dev.lanyard.kit.BiometricHolder
import dev.lanyard.kit.Holder
import dev.lanyard.kit.Lanyard
import dev.lanyard.kit.Options
import dev.lanyard.kit.PlatformWeb
import dev.lanyard.kit.Ports
import dev.lanyard.kit.orElse
import java.io.File

/** Keeps the one wallet of this app. */
open class App : Application() {
    private var opened: Lanyard? = null

    /** What the holder looks at: it asks for the PIN where the device cannot recognise them. */
    var onTop: MainActivity? = null

    /** Asks for the PIN, if there is one. */
    protected val pin = Holder { onTop?.askPin() ?: false }

    /** Opens the wallet at the first call. */
    suspend fun wallet(): Lanyard = opened ?: open().also { opened = it }

    /** Opens it as it is on a device. */
    protected open suspend fun open(): Lanyard {
        val options = Options(
            database = File(noBackupFilesDir, "wallet.sqlite").path,
            issuerAnchors = asset("issuers.pem"),
            verifierAnchors = asset("verifiers.pem"),
            languages = resources.configuration.locales.toLanguageTags().split(','),
            clientId = "lanyard-wallet",
            redirectUri = "dev.lanyard.app://login",
        )
        val holder = BiometricHolder(this, getString(R.string.share), getString(R.string.share_reason))
        return Lanyard.open(options, Ports(AndroidDatabaseKey(this), AndroidKeys(), PlatformWeb(), holder orElse pin))
    }

    /** Whom this app trusts is the app team's to say: PEM files in `assets`. */
    private fun asset(name: String): String = assets.open(name).bufferedReader().use { it.readText() }
}
