package dev.lanyard.app

import android.content.Context
import androidx.credentials.registry.digitalcredentials.mdoc.MdocEntry
import androidx.credentials.registry.digitalcredentials.mdoc.MdocField
import androidx.credentials.registry.digitalcredentials.openid4vp.OpenId4VpRegistry
import androidx.credentials.registry.digitalcredentials.sdjwt.SdJwtClaim
import androidx.credentials.registry.digitalcredentials.sdjwt.SdJwtEntry
import androidx.credentials.registry.provider.RegisterCredentialsException
import androidx.credentials.registry.provider.RegistryManager
import androidx.credentials.registry.provider.digitalcredentials.DigitalCredentialEntry
import androidx.credentials.registry.provider.digitalcredentials.VerificationEntryDisplayProperties
import androidx.credentials.registry.provider.digitalcredentials.VerificationFieldDisplayProperties
import android.graphics.Bitmap
import android.graphics.Color
import dev.lanyard.kit.RegisteredClaim
import dev.lanyard.kit.Registration

/** Credential Manager. */
fun platformChooserOf(context: Context): PlatformChooser? = CredentialManagerChooser(RegistryManager.create(context))

/**
 * Registers cards with Credential Manager, which calls [ProviderActivity] when one of them is chosen.
 *
 * No value of a claim is registered: it would leave the sealed database. A request for one of certain values is not
 * matched by the chooser then; it comes by link or code all the same.
 */
private class CredentialManagerChooser(private val registry: RegistryManager) : PlatformChooser {
    override suspend fun register(cards: List<Registration>) {
        try {
            registry.registerCredentials(OpenId4VpRegistry(cards.mapNotNull(::entry), ID))
        } catch (_: RegisterCredentialsException) {
            // the device has no chooser, or not now: it is told again when cards change and when the app opens
        }
    }

    private fun entry(card: Registration): DigitalCredentialEntry? {
        val shown = setOf(VerificationEntryDisplayProperties(card.name, card.issuer, blank(), null, null))
        val id = card.card.toString()
        return when (card.format) {
            "dc+sd-jwt" -> SdJwtEntry(card.kind, card.claims.map(::claim), shown, id)
            "mso_mdoc" -> MdocEntry(card.kind, card.claims.map(::field), shown, id)
            else -> null
        }
    }

    private fun claim(claim: RegisteredClaim) = SdJwtClaim(claim.path, null, shown(claim), true)

    private fun field(claim: RegisteredClaim) = MdocField(claim.path.first(), claim.path.last(), null, shown(claim))

    private fun shown(claim: RegisteredClaim) = setOf(VerificationFieldDisplayProperties(claim.label))

    private fun blank(): Bitmap = Bitmap.createBitmap(1, 1, Bitmap.Config.ARGB_8888).apply { eraseColor(Color.TRANSPARENT) }

    private companion object {
        const val ID = "lanyard"
    }
}
