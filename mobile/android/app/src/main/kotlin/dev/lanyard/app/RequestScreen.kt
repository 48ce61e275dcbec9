package dev.lanyard.app

import android.widget.LinearLayout
import dev.lanyard.kit.AnswerFailed
import dev.lanyard.kit.AskedClaim
import dev.lanyard.kit.Choices
import dev.lanyard.kit.ConsentFailed
import dev.lanyard.kit.ConsentFailedNotAuthenticated
import dev.lanyard.kit.Contact
import dev.lanyard.kit.ContactUse
import dev.lanyard.kit.OverAsked
import dev.lanyard.kit.OverAsking
import dev.lanyard.kit.Pick
import dev.lanyard.kit.PickedCard
import dev.lanyard.kit.Query
import dev.lanyard.kit.Selection
import dev.lanyard.kit.Standing
import dev.lanyard.kit.Told
import dev.lanyard.kit.Transaction
import dev.lanyard.kit.TransactionDocumentSigning
import dev.lanyard.kit.TransactionPayment
import dev.lanyard.kit.Trust
import dev.lanyard.kit.UnusableCard
import dev.lanyard.kit.Verifier

/** Who asks for what, and the holder's yes or no. */
fun requestScreen(request: Asked, problem: String? = null): Screen = Screen { on ->
    page(on) {
        val verifier = request.verifier()
        title(on.getString(R.string.request_title, verifier.name ?: verifier.address))
        badge(trust(on, verifier))
        told(on, verifier.told)
        problem?.let { badge(it) }
        try {
            val choices = request.choices()
            overAsked(on, choices.overAsked)
            request.transactions().forEach { text(inWords(on, it)) }
            choose(on, request, choices)
        } catch (_: ConsentFailed) {
            text(on.getString(R.string.nothing_fits))
        }
        unusable(on, request.unusable())
        button(on.getString(R.string.decline)) { on.run { request.decline(on) } }
    }
}

/** What a verifier says of itself, and whom to ask about it. */
fun LinearLayout.told(on: MainActivity, told: Told) {
    if (told.purpose == null && told.contactsToShow.isEmpty()) return
    text(on.getString(R.string.told_title), soft = true)
    told.purpose?.let { text(on.getString(R.string.told_purpose, it)) }
    for (one in told.contactsToShow) link(on, label(one.kind), one.contact)
}

private fun label(kind: ContactUse): Int = when (kind) {
    ContactUse.PRIVACY_POLICY -> R.string.told_privacy
    ContactUse.TERMS -> R.string.told_terms
    ContactUse.QUESTIONS -> R.string.told_contact
    ContactUse.COMPLAINTS -> R.string.told_authority
}

/** A contact that opens in the browser, the mail app or the dialler. */
fun LinearLayout.link(on: MainActivity, label: Int, contact: Contact) =
    button(on.getString(label, contact.shown)) { on.browse(contact.uri) }

/** What is asked of everybody that most purposes do not need. */
private fun LinearLayout.overAsked(on: MainActivity, flags: List<OverAsked>) {
    if (flags.isEmpty()) return
    val lines = flags.map { on.getString(R.string.over_asked_line, it.claim ?: on.getString(R.string.over_asked_all), reason(on, it.kind)) }
    badge((listOf(on.getString(R.string.over_asked_title)) + lines).joinToString("\n"))
}

private fun reason(on: MainActivity, what: OverAsking): String = on.getString(
    when (what) {
        OverAsking.BIRTH_DATE -> R.string.over_birth_date
        OverAsking.AGE -> R.string.over_age
        OverAsking.PORTRAIT -> R.string.over_portrait
        OverAsking.UNIQUE_NUMBER -> R.string.over_unique_number
        OverAsking.STREET -> R.string.over_street
        OverAsking.WHOLE_ADDRESS -> R.string.over_whole_address
        OverAsking.SEX -> R.string.over_sex
        OverAsking.BIRTH_NAME -> R.string.over_birth_name
        OverAsking.BIRTH_PLACE -> R.string.over_birth_place
        OverAsking.MANY_CLAIMS -> R.string.over_many_claims
    },
)

/** Cards that would answer if they were good, each with the reason. */
private fun LinearLayout.unusable(on: MainActivity, cards: List<UnusableCard>) {
    if (cards.isEmpty()) return
    text(on.getString(R.string.unusable))
    for (one in cards) {
        badge("${one.cardName} (${one.issuer})\n${reason(on, one.standing)}")
        one.status?.let { text(asOf(on, it), soft = true) }
    }
}

private fun reason(on: MainActivity, standing: Standing): String = on.getString(
    when (standing) {
        Standing.REVOKED -> R.string.revoked
        Standing.SUSPENDED -> R.string.suspended
        else -> R.string.expired
    },
)

private fun LinearLayout.choose(on: MainActivity, request: Asked, choices: Choices) {
    val options = choices.smallest.options.toMutableList()
    val picks = mutableMapOf<String, PickedCard>()
    choices.sets.forEachIndexed { place, set ->
        text(on.getString(if (set.required) R.string.required else R.string.optional))
        set.options.forEachIndexed { option, queries ->
            if (!set.required || set.options.size > 1) {
                val names = queries.mapNotNull { id -> choices.queries.find { it.id == id } }
                tick(names.joinToString(" + ", transform = ::nameOf), options[place] == option.toUInt()) { ticked ->
                    options[place] = option.toUInt().takeIf { ticked }
                }
            }
            queries.mapNotNull { id -> choices.queries.find { it.id == id } }.forEach { query(on, it, picks) }
        }
    }
    button(on.getString(R.string.share)) {
        val picked = Selection(options, picks.map { (query, card) -> Pick(query, listOf(card)) })
        on.run { share(on, request, picked) }
    }
}

/** The cards that fit one query: what each would disclose, and which to take. */
private fun LinearLayout.query(on: MainActivity, query: Query, picks: MutableMap<String, PickedCard>) {
    query.candidates.forEachIndexed { place, candidate ->
        candidate.claimSets.forEachIndexed { set, claims ->
            val only = query.candidates.size == 1 && candidate.claimSets.size == 1
            val name = "${candidate.cardName} (${candidate.issuer})"
            if (only) {
                text(name)
            } else {
                tick(name, place == 0 && set == 0) { ticked ->
                    if (ticked) picks[query.id] = PickedCard(place.toUInt(), set.toUInt()) else picks.remove(query.id)
                }
            }
            claims.claims.forEach { asked(on, it) }
        }
    }
}

/** A claim that would be shared, flagged where most purposes do not need it. */
private fun LinearLayout.asked(on: MainActivity, claim: AskedClaim) {
    claim(claim.label, claim.value)
    claim.overAsked?.let { badge(on.getString(R.string.over_asked_line, claim.label, reason(on, it))) }
}

private suspend fun share(on: MainActivity, request: Asked, picked: Selection) {
    try {
        request.answer(on, request.consent(picked))
    } catch (_: ConsentFailedNotAuthenticated) {
        on.home(requestScreen(request, on.getString(R.string.not_you)))
    } catch (failure: ConsentFailed) {
        on.home(requestScreen(request, failure.message))
    } catch (failure: AnswerFailed) {
        on.home(messageScreen(on.getString(R.string.failed, failure.message)))
    }
}

private fun nameOf(query: Query) = query.candidates.firstOrNull()?.cardName ?: query.id

private fun trust(on: MainActivity, verifier: Verifier): String = when (verifier.trust) {
    Trust.CERTIFIED -> on.getString(R.string.trust_certified)
    Trust.ATTESTED -> on.getString(R.string.trust_attested, verifier.vouchedBy)
    Trust.REGISTERED -> on.getString(R.string.trust_registered)
    Trust.DID_ONLY -> on.getString(R.string.trust_did, verifier.vouchedBy)
    Trust.ADDRESS_ONLY -> on.getString(R.string.trust_address, verifier.address)
}

private fun inWords(on: MainActivity, transaction: Transaction): String = when (transaction) {
    is TransactionPayment -> with(transaction) { on.getString(R.string.payment, amount, currency, payee) }
    is TransactionDocumentSigning ->
        on.getString(R.string.sign_documents, transaction.documents.joinToString(", "))
}
