package dev.lanyard.kit

import dev.lanyard.bindings.LanyardWallet
import dev.lanyard.bindings.WalletPorts
import dev.lanyard.bindings.openWallet
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow

/**
 * The holder's wallet, opened once and kept as long as the app runs.
 *
 * [cards] and [waiting] follow what happens; everything else is decided in the library below.
 */
class Lanyard private constructor(private val wallet: LanyardWallet) {
    private val shownCards = MutableStateFlow<List<Card>>(emptyList())
    private val shownWaiting = MutableStateFlow<List<Waiting>>(emptyList())

    /** All cards, newest first. */
    val cards: StateFlow<List<Card>> = shownCards.asStateFlow()

    /** Credentials that their issuers have not ready yet. */
    val waiting: StateFlow<List<Waiting>> = shownWaiting.asStateFlow()

    /** Reads an offer link, after the holder chose to open it. */
    suspend fun readOffer(link: String): Offer = wallet.readOffer(link)

    /** Takes what is offered. */
    suspend fun accept(offer: OfferReadyToAccept): List<Long> = told { offer.accept() }

    /** Takes what is offered; after a wrong code the same object takes the next. */
    suspend fun accept(offer: OfferWithCode, code: String): List<Long> = told { offer.accept(code) }

    /** Goes on with the link that the browser came back with, also after the app was killed. */
    suspend fun finishLogin(redirect: String): List<Long> = told { wallet.finishLogin(redirect) }

    /** Reads a request link. */
    suspend fun readRequest(link: String): Request = wallet.readRequest(link)

    /** Takes a request that the platform hands over. */
    suspend fun readPlatformRequest(protocol: String, data: String, origin: String): PlatformRequest =
        wallet.readPlatformRequest(protocol, data, origin)

    /** Takes all that a page asked the platform by, as JSON with `requests`. */
    suspend fun readPlatformRequests(requests: String, origin: String): PlatformRequest =
        wallet.readPlatformRequests(requests, origin)

    /** A picture of a card, if it has that; nothing is fetched. */
    fun picture(card: Card, kind: PictureKind): Picture? = wallet.cardPicture(card.id, kind)

    /** What to register with the platform's own chooser, whenever [cards] change: no value of a claim is in it. */
    fun registrations(): List<Registration> = wallet.registrations()

    /** Answers; where the browser has to go on, if anywhere. */
    suspend fun answer(request: Request, consent: Consent): String? = told { request.answer(consent) }

    /** Has a card issued again. */
    suspend fun renew(card: Card): Long = told { wallet.renew(card.id) }

    /** Deletes a card with its copies and their keys. */
    suspend fun delete(card: Card): Boolean = told { wallet.deleteCard(card.id) }

    /** Waits no longer for a credential. */
    suspend fun stopWaiting(waiting: Waiting): Boolean = told { wallet.stopWaiting(waiting.id) }

    /**
     * What is due when the app opens: what was interrupted goes on, what was deferred is asked for, what runs out of
     * unused copies is filled up, and status lists are asked. The cards that came; a network that is away is no failure.
     */
    suspend fun catchUp(threshold: UInt = 1u): List<Long> = told { wallet.catchUp(threshold) }

    /** Asks the issuers' status lists: the cards of which they say something else than before. */
    suspend fun refreshStatuses(): List<Long> = told { wallet.refreshStatuses() }

    /** Answers a request of the platform: the `data` that the platform takes. */
    suspend fun answer(request: PlatformRequest, consent: Consent): String = told { request.answer(consent) }

    /** What happened, newest first; with a text, the entries in which it occurs. */
    fun history(search: String? = null): List<HistoryEntry> = wallet.history(search)

    /** The entries that fit, newest first. */
    fun find(wanted: HistoryFilter): List<HistoryEntry> = wallet.findInHistory(wanted)

    /** The verifiers that got something, and whom to ask for its deletion. */
    fun sharedWith(): List<SharedWith> = wallet.sharedWith()

    /** What became of cards since the holder last looked; after [refreshStatuses]. */
    fun notices(): List<CardNotice> = wallet.notices()

    /** The holder saw these, and is not told again. */
    fun seen(notices: List<CardNotice>) = wallet.noticesSeen(notices)

    /** Whether there is a PIN. */
    fun hasPin(): Boolean = wallet.hasPin()

    /** Seconds until a PIN is looked at. */
    fun pinWait(): ULong = wallet.pinWait()

    /** Sets a PIN, in the place of the present one. */
    fun setPin(pin: String, present: String? = null) = wallet.setPin(pin, present)

    /** Asks for no PIN any more. */
    fun removePin(present: String) = wallet.removePin(present)

    /** Judges a PIN; it throws [PinFailed] unless it is the holder's. */
    fun tryPin(pin: String) = wallet.tryPin(pin)

    /** The whole history as a JSON document. */
    fun exportHistory(): String = wallet.exportHistory()

    /** Forgets one entry. */
    fun forget(entry: HistoryEntry): Boolean = wallet.forget(entry.id)

    /** Forgets the whole history. */
    fun forgetHistory() = wallet.forgetHistory()

    /** A sealed list of what is held, with the code that opens it. */
    fun exportInventory(): Recovery = wallet.exportInventory()

    /** Opens an exported inventory. */
    fun openInventory(sealed: ByteArray, code: String): List<InventoryItem> = wallet.openInventory(sealed, code)

    /** Asks an issuer for a credential that was held before. */
    suspend fun askAgain(item: InventoryItem): Offer = wallet.askAgain(item)

    private suspend fun <T> told(step: suspend () -> T): T =
        try {
            step()
        } finally {
            refresh()
        }

    private fun refresh() {
        shownCards.value = wallet.cards()
        shownWaiting.value = wallet.waiting()
    }

    companion object {
        /** Opens the wallet's database, or makes it. */
        suspend fun open(options: Options, ports: Ports): Lanyard {
            val bindings = WalletPorts(
                secureStorage = DatabaseKeyPort(ports.databaseKey),
                keyStore = ports.keys?.let(::HolderKeysPort),
                http = ports.http?.let(::WebPort),
                clock = null,
                userAuthentication = ports.holder?.let(::HolderPort),
                walletAttestation = ports.walletAttestation?.let(::WalletAttesterPort),
                keyAttestation = ports.keyAttestation?.let(::KeyAttesterPort),
            )
            return Lanyard(openWallet(options, bindings)).also { it.refresh() }
        }
    }
}
