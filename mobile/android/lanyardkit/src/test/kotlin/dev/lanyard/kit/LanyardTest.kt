package dev.lanyard.kit

import java.io.File
import java.io.IOException
import java.nio.file.Files
import java.security.SecureRandom
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.AfterAll
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assertions.fail
import org.junit.jupiter.api.BeforeAll
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestInstance

/** LanyardKit on the JVM against a real issuer and a real verifier. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LanyardTest {
    private lateinit var demo: Demo

    @BeforeAll
    fun start() {
        demo = Demo()
    }

    @AfterAll
    fun stop() = demo.close()

    /** Keys in memory that note how many sign at once. */
    private class CountedKeys(private val keys: SoftwareKeys = SoftwareKeys()) : HolderKeys by keys {
        val batches = mutableListOf<Int>()

        override suspend fun signEach(wanted: List<Pair<String, ByteArray>>): List<ByteArray> {
            batches += wanted.size
            return wanted.map { (name, message) -> keys.sign(name, message) }
        }
    }

    private class Home {
        val folder: File = Files.createTempDirectory("lanyard-wallet-").toFile()
        val key = ByteArray(32).also(SecureRandom()::nextBytes)
        val keys = SoftwareKeys()
    }

    private fun options(home: Home) = Options(
        database = File(home.folder, "wallet.sqlite").path,
        issuerAnchors = demo.anchors,
        verifierAnchors = demo.anchors,
        languages = listOf("en"),
        clientId = "lanyard-wallet",
        redirectUri = "http://127.0.0.1:1/callback",
        dangerAllowHttp = listOf("localhost:${demo.port}"),
    )

    private suspend fun open(home: Home = Home(), web: Web? = PlatformWeb(), holder: Holder? = null): Lanyard =
        Lanyard.open(options(home), Ports({ home.key }, home.keys, web, holder))

    private suspend fun take(wallet: Lanyard, type: String = "employee_badge") {
        val offer = wallet.readOffer(member(demo.offer(type), "link")) as OfferReady
        wallet.accept(offer.offer)
    }

    private suspend fun share(wallet: Lanyard, asked: String) {
        val request = wallet.readRequest(member(asked, "link"))
        wallet.answer(request, request.consent(request.choices().smallest))
    }

    private suspend inline fun <reified E : Throwable> failsWith(crossinline step: suspend () -> Unit): E {
        try {
            step()
        } catch (failure: Throwable) {
            if (failure is E) return failure
            throw failure
        }
        fail<Unit>("no ${E::class.simpleName}")
        throw AssertionError()
    }

    @Test
    fun `an SD-JWT VC and an mdoc are taken and presented, with keys and http of the platform`() = runBlocking {
        val kinds = mapOf("employee_badge" to "badge", "driving_licence" to "licence")
        for ((type, preset) in kinds) {
            val wallet = open()
            take(wallet, type)
            assertEquals(1, wallet.cards.value.size)
            val asked = demo.request("--preset", preset)
            share(wallet, asked)
            assertTrue(demo.verdict(member(asked, "id")).contains(Regex(""""state"\s*:\s*"verified"""")), type)
        }
    }

    @Test
    fun `a card's logo arrives as bytes`() = runBlocking {
        val wallet = open()
        take(wallet)
        val card = wallet.cards.value.single()
        val logo = checkNotNull(wallet.picture(card, PictureKind.LOGO))
        assertEquals("image/png", logo.mediaType)
        assertEquals("\u0089PNG", String(logo.bytes.copyOf(4), Charsets.ISO_8859_1))
        assertTrue(card.hasLogo && !card.hasBackgroundImage)
        assertEquals("Alder & Finch leaf", card.logoAlt)
        assertEquals(null, wallet.picture(card, PictureKind.BACKGROUND_IMAGE))
    }

    @Test
    fun `a credential of an issuer that is not trusted is not kept`() = runBlocking {
        val wallet = open()
        // the demo signs W3C credentials by a DID of its own, which this wallet was not told of
        val refused = failsWith<AcceptFailedFailed> { take(wallet, "safety_training") }
        assertEquals("credential_refused", refused.code)
        assertTrue(wallet.cards.value.isEmpty())
    }

    @Test
    fun `every way in which verifiers ask is answered`() = runBlocking {
        val wallet = open()
        take(wallet)
        val ways = listOf(
            listOf("redirect_uri", "--plain"),
            listOf("x509_san_dns", "--request-uri-method", "get"),
            listOf("x509_hash", "--request-uri-method", "post"),
        )
        for (way in ways) {
            val asked = demo.request("--preset", "badge", "--client-id-prefix", *way.toTypedArray())
            share(wallet, asked)
            assertTrue(demo.verdict(member(asked, "id")).contains(Regex(""""state"\s*:\s*"verified"""")), "$way")
        }
    }

    @Test
    fun `the keys of a whole batch sign in one call`() = runBlocking {
        val home = Home()
        val keys = CountedKeys()
        val wallet = Lanyard.open(options(home), Ports({ home.key }, keys, PlatformWeb()))
        take(wallet)
        assertEquals(listOf(wallet.cards.value.single().copies.toInt()), keys.batches)
    }

    @Test
    fun `W3C credentials of a known DID are taken and presented`() = runBlocking {
        val did = demo.issuerDid { web -> open(web = web) }
        val home = Home()
        val options = options(home).copy(issuerDids = listOf(did))
        val wallet = Lanyard.open(options, Ports({ home.key }, home.keys, PlatformWeb()))
        val alumni = """{"credentials": [{"id": "a", "format": "ldp_vc",
            "meta": {"type_values": [["AlumniMembership"]]}, "claims": [{"path": ["credentialSubject", "given_name"]}]}]}"""
        val kinds = mapOf(
            "safety_training" to arrayOf("--preset", "training"),
            "alumni_membership" to arrayOf("--dcql", alumni),
        )
        for ((type, question) in kinds) {
            take(wallet, type)
            val asked = demo.request(*question)
            share(wallet, asked)
            assertTrue(demo.verdict(member(asked, "id")).contains(Regex(""""state"\s*:\s*"verified"""")), type)
        }
    }

    @Test
    fun `the backend attests the wallet to an issuer that demands it, once for each server`() = runBlocking {
        val home = Home()
        val servers = mutableListOf<String>()
        val attester = WalletAttester { server, jwk ->
            servers += server
            demo.attest(jwk)
        }
        val ports = Ports({ home.key }, home.keys, PlatformWeb(), walletAttestation = attester)
        val wallet = Lanyard.open(options(home), ports)
        repeat(2) {
            val offer = wallet.readOffer(member(demo.offer("employee_badge", tenant = "demo-attested"), "link")) as OfferReady
            wallet.accept(offer.offer)
        }
        assertEquals(2, wallet.cards.value.size)
        assertTrue(servers.single().endsWith("/demo-attested"))
    }

    @Test
    fun `an issuer that demands all that HAIP does is served, with attested wallet and keys`() = runBlocking {
        val home = Home()
        val vouched = mutableListOf<Int>()
        val keyAttester = KeyAttester { keys, nonce ->
            vouched += keys.size
            demo.attestKeys(keys.map { it.jwk }, nonce)
        }
        val ports = Ports(
            { home.key }, home.keys, PlatformWeb(),
            walletAttestation = { _, jwk -> demo.attest(jwk) }, keyAttestation = keyAttester,
        )
        val wallet = Lanyard.open(options(home), ports)
        val made = demo.offer("employee_badge", tenant = "demo-dpop-attested-encrypted-keys")
        wallet.accept((wallet.readOffer(member(made, "link")) as OfferReady).offer)
        assertEquals(listOf(wallet.cards.value.single().copies.toInt()), vouched)
        val asked = demo.request("--preset", "badge")
        share(wallet, asked)
        assertTrue(demo.verdict(member(asked, "id")).contains(Regex(""""state"\s*:\s*"verified"""")))
        val unvouched = open()
        val offer = demo.offer("employee_badge", tenant = "demo-keys")
        val refused = failsWith<OfferFailedRefused> { unvouched.readOffer(member(offer, "link")) }
        assertEquals("credential_unsupported", refused.code)
    }

    @Test
    fun `a revoked card is shown with the reason and answers nothing`() = runBlocking {
        val home = Home()
        val made = demo.offer("employee_badge")
        val first = open(home)
        first.accept((first.readOffer(member(made, "link")) as OfferReady).offer)
        demo.revoke(member(made, "id"))
        val wallet = open(home)
        wallet.catchUp()
        val request = wallet.readRequest(member(demo.request("--preset", "badge"), "link"))
        failsWith<ConsentFailedNothingFits> { request.choices() }
        val unusable = request.unusable().single()
        assertEquals(Standing.REVOKED, unusable.standing)
        assertEquals(wallet.cards.value.single().status, unusable.status)
    }

    @Test
    fun `a card says what its issuer's list says`() = runBlocking {
        val home = Home()
        val made = demo.offer("employee_badge")
        val first = open(home)
        first.accept((first.readOffer(member(made, "link")) as OfferReady).offer)
        assertEquals(null, first.cards.value.single().status)
        demo.revoke(member(made, "id"))
        val wallet = open(home)
        wallet.catchUp()
        assertEquals(Standing.REVOKED, wallet.cards.value.single().standing)
    }

    @Test
    fun `an issuer that signs its metadata is vouched for`() = runBlocking {
        for (wanted in listOf(null, SignedMetadata.PREFERRED, SignedMetadata.REQUIRED)) {
            val home = Home()
            val options = options(home).copy(signedMetadata = wanted)
            val wallet = Lanyard.open(options, Ports({ home.key }, home.keys, PlatformWeb()))
            val offer = wallet.readOffer(member(demo.offer("employee_badge"), "link")) as OfferReady
            assertEquals(wanted != null, offer.offer.review().signed)
        }
    }

    @Test
    fun `the platform is answered in each of its protocols`() = runBlocking {
        val wallet = open()
        val protocols = mapOf(
            "openid4vp-v1-unsigned" to ("employee_badge" to "badge"),
            "openid4vp-v1-signed" to ("employee_badge" to "badge"),
            "openid4vp-v1-multisigned" to ("employee_badge" to "badge"),
            "org-iso-mdoc" to ("driving_licence" to "licence"),
        )
        for ((protocol, kind) in protocols) {
            take(wallet, kind.first)
            val (session, data) = demo.askPlatform(kind.second, protocol)
            val request = wallet.readPlatformRequest(protocol, data, demo.base)
            val answer = wallet.answer(request, request.consent(request.choices().smallest))
            demo.answerPlatform(session, protocol, answer)
            assertTrue(demo.verdict(session).contains(Regex(""""state"\s*:\s*"verified"""")), protocol)
        }
    }

    @Test
    fun `a wrong transaction code can be typed again, and a used offer is used up`() = runBlocking {
        val wallet = open()
        val made = demo.offer("employee_badge", "--tx-code")
        val offer = (wallet.readOffer(member(made, "link")) as OfferRequiresTxCode).offer
        val code = member(made, "tx_code")
        failsWith<AcceptFailedTxCodeForm> { wallet.accept(offer, "x") }
        failsWith<AcceptFailedTxCodeWrong> { wallet.accept(offer, code.map { '0' + (it - '0' + 1) % 10 }.joinToString("")) }
        assertEquals(1, wallet.accept(offer, code).size)
        failsWith<AcceptFailedAlreadyUsed> { wallet.accept(offer, code) }
        Unit
    }

    @Test
    fun `a login goes on after the app was killed`() = runBlocking {
        val home = Home()
        val made = demo.offer("employee_badge", "--holder", "ada")
        val offer = (open(home).readOffer(member(made, "link")) as OfferRequiresLogin).offer
        val back = demo.logIn(offer.begin().url())
        val wallet = open(home)
        wallet.finishLogin(back)
        assertEquals("Employee badge", wallet.cards.value.single().name)
        failsWith<LoginFailedNotOurs> { wallet.finishLogin(back) }
        Unit
    }

    @Test
    fun `a holder who does not authenticate can try again`() = runBlocking {
        var answer = false
        val wallet = open(holder = { answer })
        take(wallet)
        val request = wallet.readRequest(member(demo.request("--preset", "badge"), "link"))
        failsWith<ConsentFailedNotAuthenticated> { request.consent(request.choices().smallest) }
        answer = true
        val consent = request.consent(request.choices().smallest)
        wallet.answer(request, consent)
        failsWith<AnswerFailedAlreadyUsed> { wallet.answer(request, consent) }
        Unit
    }

    @Test
    fun `deleting a card deletes its keys`() = runBlocking {
        val home = Home()
        val wallet = open(home)
        take(wallet)
        assertTrue(home.keys.names.isNotEmpty())
        wallet.delete(wallet.cards.value.single())
        assertEquals(emptySet<String>(), home.keys.names)
        assertTrue(wallet.history().first().kind is HistoryEventDeleted)
    }

    @Test
    fun `a network that is away can be tried again`() = runBlocking {
        var away = false
        val platform = PlatformWeb()
        val wallet = open(web = { if (away) throw IOException("away") else platform.send(it) })
        val offer = wallet.readOffer(member(demo.offer("employee_badge"), "link")) as OfferReady
        away = true
        failsWith<AcceptFailedTryAgain> { wallet.accept(offer.offer) }
        away = false
        assertEquals(1, wallet.accept(offer.offer).size)
    }

    @Test
    fun `a cancelled coroutine stops the call, and the wallet works on`() = runBlocking {
        val asked = CompletableDeferred<Unit>()
        var slow = true
        val platform = PlatformWeb()
        val wallet = open(web = {
            if (slow) {
                asked.complete(Unit)
                awaitCancellation()
            }
            platform.send(it)
        })
        val reading = async { wallet.readOffer(member(demo.offer("employee_badge"), "link")) }
        asked.await()
        reading.cancel()
        failsWith<CancellationException> { reading.await() }
        slow = false
        take(wallet)
        assertEquals(1, wallet.cards.value.size)
    }

    @Test
    fun `a platform that follows no redirect and knows no host is an error with its reason`() = runBlocking {
        val failure = failsWith<OfferFailedRefused> { open().readOffer("https://example.org/") }
        assertEquals("offer_refused", failure.code)
    }

    @Test
    fun `what a verifier asks too much is flagged, and why it asks is told and kept`() = runBlocking {
        val wallet = open()
        take(wallet)
        val request = wallet.readRequest(member(demo.portrait(), "link"))
        val choices = request.choices()
        assertEquals(listOf(OverAsking.PORTRAIT), choices.overAsked.map { it.kind })
        val claims = choices.queries.first().candidates.first().claimSets.first().claims
        assertEquals(listOf("Portrait"), claims.filter { it.overAsked != null }.map { it.label })
        assertEquals("To let you in", request.verifier().told.purpose)
        wallet.answer(request, request.consent(choices.smallest))
        val shared = wallet.sharedWith().single()
        assertEquals(listOf("mailto:privacy@desk.example"), shared.told.forDeletion.map { it.uri })
        val found = wallet.find(HistoryFilter(kinds = listOf(HistoryEventKind.PRESENTED), party = shared.party))
        assertEquals("To let you in", found.single().told?.purpose)
    }

    @Test
    fun `a revoked card is told until the holder saw it`() = runBlocking {
        val wallet = open()
        val made = demo.offer("employee_badge")
        val offer = wallet.readOffer(member(made, "link")) as OfferReady
        wallet.accept(offer.offer)
        demo.revoke(member(made, "id"))
        wallet.catchUp()
        val notices = wallet.notices()
        assertEquals(listOf(StatusWord.REVOKED), notices.map { it.isNow })
        wallet.seen(notices)
        wallet.catchUp()
        assertTrue(wallet.notices().isEmpty())
    }

    @Test
    fun `wrong PINs are counted, also over a restart`() = runBlocking {
        val home = Home()
        val wallet = open(home)
        failsWith<PinFailedEasy> { wallet.setPin("123456") }
        wallet.setPin("482916")
        val waits = (1..3).map { failsWith<PinFailedWrong> { wallet.tryPin("111222") }.waitSeconds }
        assertEquals(listOf(0uL, 0uL, 30uL), waits)
        failsWith<PinFailedLocked> { open(home).tryPin("482916") }
        assertTrue(wallet.pinWait() > 0uL)
    }

    @Test
    fun `an inventory opens with its code alone`() = runBlocking {
        val wallet = open()
        take(wallet)
        val kit = wallet.exportInventory()
        assertEquals("employee_badge", wallet.openInventory(kit.sealed, kit.recoveryCode).single().configuration)
        failsWith<RecoveryFailedCode> { wallet.openInventory(kit.sealed, "nothing") }
        Unit
    }

    @Test
    fun `a public point with short coordinates is 65 bytes`() = runBlocking {
        val keys = SoftwareKeys()
        repeat(300) { assertEquals(65, point(keys.generate("$it")).size) }
    }
}
