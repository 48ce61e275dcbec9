package dev.lanyard.app

import dev.lanyard.kit.Demo
import dev.lanyard.kit.member
import org.junit.AfterClass
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.BeforeClass
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.annotation.GraphicsMode

/** The screens, run in Android's framework on the JVM against a real issuer and verifier, and drawn to pictures. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34], application = TestApp::class)
@GraphicsMode(GraphicsMode.Mode.NATIVE)
class ScreensTest {
    private val server get() = TestApp.server

    private fun state(session: String) =
        Regex(""""state"\s*:\s*"(\w+)"""").findAll(server.verdict(session)).map { it.groupValues[1] }.toSet()

    private fun take(phone: Phone): String {
        val made = server.offer("employee_badge")
        phone.open(member(made, "link"))
        phone.await("offers you")
        phone.press("Add")
        return made
    }

    @Test
    fun `a card is offered, taken, looked at, shared and remembered`() {
        Phone().use { phone ->
            phone.await("Your cards")
            phone.picture("cards-none")
            phone.open(member(server.offer("employee_badge"), "link"))
            phone.await("offers you")
            phone.picture("offer")
            phone.press("Add")
            phone.await("Added to your wallet")
            phone.press("Done")
            phone.await("Employee badge")
            assertTrue("the logo is said", phone.spoken().any { (_, said) -> "Alder & Finch leaf" in said })
            phone.picture("cards")
            phone.press("Employee badge")
            phone.await("Signed by")
            assertTrue("a portrait is a picture", phone.words().none { "base64" in it })
            assertTrue("Portrait" in phone.described())
            phone.picture("card")
            val asked = server.request("--preset", "badge")
            phone.open(member(asked, "link"))
            phone.await("asks for")
            assertTrue(phone.words().any { "Certified" in it || "Not verified" in it })
            assertTrue("Employee badge (Alder & Finch)" in phone.words())
            phone.picture("consent")
            phone.press("Share")
            phone.await("Shared")
            assertTrue("verified" in state(member(asked, "id")))
            phone.press("Done")
            phone.press("History")
            phone.await("Shared")
            phone.picture("history")
        }
    }

    @Test
    fun `a wrong code can be typed again, and the attempts are counted`() {
        Phone().use { phone ->
            phone.await("Your cards")
            val made = server.offer("employee_badge", "--tx-code")
            val code = member(made, "tx_code")
            phone.open(member(made, "link"))
            phone.await("offers you")
            phone.type("Code from the issuer", code.map { '0' + (it - '0' + 1) % 10 }.joinToString(""))
            phone.press("Add")
            phone.await("Wrong attempts so far: 1")
            phone.picture("code-wrong")
            phone.type("Code from the issuer", code)
            phone.press("Add")
            phone.await("Added to your wallet")
        }
    }

    @Test
    fun `a card that its issuer has not ready is waited for`() {
        Phone().use { phone ->
            phone.await("Your cards")
            phone.open(server.offerLater())
            phone.await("offers you")
            phone.press("Add")
            phone.await("The issuer needs time")
            phone.press("Done")
            phone.await("Requested: not ready yet")
            phone.picture("cards-deferred")
        }
    }

    @Test
    fun `a revoked card says so, and answers no request`() {
        Phone().use { phone ->
            phone.await("Your cards")
            val made = take(phone)
            phone.await("Added to your wallet")
            server.revoke(member(made, "id"))
            phone.catchUp()
            phone.await("Since you last looked")
            assertTrue(phone.words().any { "Employee badge was revoked by its issuer" in it })
            phone.picture("cards-revoked")
            phone.press("I have seen it")
            assertTrue("told once", phone.words().none { "Since you last looked" in it })
            phone.await("Revoked by its issuer")
            val asked = server.request("--preset", "badge")
            phone.open(member(asked, "link"))
            phone.await("Would answer if it were good")
            assertTrue(phone.words().any { "Issuer's list of" in it })
            phone.picture("consent-unusable")
            phone.press("Decline")
            phone.await("Declined. Nothing was shared.")
            assertEquals(setOf("declined"), state(member(asked, "id")))
        }
    }

    @Test
    fun `what is asked too much is flagged, and whom to ask for deletion is found later`() {
        Phone().use { phone ->
            phone.await("Your cards")
            take(phone)
            phone.await("Added to your wallet")
            phone.open(member(server.portrait(), "link"))
            phone.await("It asks for more than most need")
            assertTrue("To let you in" in phone.words().joinToString())
            assertTrue("the claim itself is flagged", phone.words().any { it.startsWith("Portrait: your face") })
            phone.picture("consent-over-asked")
            phone.press("Share")
            phone.await("Shared")
            phone.press("Done")
            phone.press("History")
            phone.picture("history-filters")
            phone.press("Whom you shared with")
            phone.await("Ask for deletion: privacy@desk.example")
            phone.picture("shared-with")
        }
    }

    @Test
    fun `where the device cannot recognise the holder the PIN opens the wallet, and wrong ones are waited for`() {
        Phone().use { phone ->
            phone.await("Your cards")
            phone.press("Settings")
            phone.press("Set a PIN")
            phone.type("New PIN, 6 to 12 digits", "123456")
            phone.press("Set a PIN")
            phone.await("guessed at once")
            phone.type("New PIN, 6 to 12 digits", "482916")
            phone.press("Set a PIN")
            phone.await("The PIN is set.")
        }
        TestActivity.recognises = false
        try {
            Phone().use { phone ->
                phone.await("Your PIN")
                phone.picture("pin")
                repeat(3) {
                    phone.type("PIN", "111222")
                    phone.press("Unlock")
                }
                phone.await("Too many wrong tries")
                phone.picture("pin-wait")
            }
            Phone().use { phone ->
                phone.await("Too many wrong tries")
                phone.type("PIN", "482916")
                phone.press("Unlock")
                assertTrue("the right one waits too", phone.words().none { "Your cards" in it })
            }
        } finally {
            TestActivity.recognises = true
        }
    }

    @Test
    fun `where the device cannot recognise the holder nothing is shared without the PIN`() {
        Phone().use { phone ->
            phone.await("Your cards")
            take(phone)
            phone.await("Added to your wallet")
            phone.press("Done")
            phone.press("Settings")
            phone.press("Set a PIN")
            phone.type("New PIN, 6 to 12 digits", "482916")
            phone.press("Set a PIN")
            phone.await("The PIN is set.")
            TestActivity.recognises = false
            try {
                val asked = server.request("--preset", "badge")
                phone.open(member(asked, "link"))
                phone.await("asks for")
                phone.press("Share")
                phone.await("Your PIN")
                phone.type("PIN", "111222")
                phone.press("Share")
                phone.await("That was not the PIN.")
                phone.picture("pin-to-share")
                phone.press("Cancel")
                phone.await("Nothing was shared")
                phone.press("Share")
                phone.await("Your PIN")
                phone.type("PIN", "482916")
                phone.press("Share")
                phone.await("Shared")
                assertTrue("verified" in state(member(asked, "id")))
            } finally {
                TestActivity.recognises = true
            }
        }
    }

    @Test
    fun `in German and in the dark it says and shows the same`() {
        Phone("de-rDE", "night").use { phone ->
            phone.await("Deine Karten")
            phone.open(member(server.offer("employee_badge"), "link"))
            phone.await("bietet dir an")
            phone.picture("offer-german-dark")
            phone.press("Hinzufügen")
            phone.await("Zu deiner Wallet hinzugefügt")
            phone.open(member(server.request("--preset", "badge"), "link"))
            phone.await("möchte sehen")
            phone.picture("consent-german-dark")
        }
    }

    @Test
    fun `what can be pressed or typed into is large enough and has a name for screen readers`() {
        Phone().use { phone ->
            phone.await("Your cards")
            take(phone)
            phone.await("Added to your wallet")
            phone.press("Done")
            for (screen in listOf("Scan or paste", "History", "Settings")) {
                phone.press(screen)
                phone.picture(screen.lowercase().replace(' ', '-'))
                for ((view, said) in phone.spoken()) {
                    assertTrue("$screen: $view has no name", said.isNotBlank())
                    assertTrue("$screen: $said is ${view.height} high", view.height >= dp(view.context, 48))
                }
                phone.catchUp()
            }
        }
    }

    companion object {
        @JvmStatic
        @BeforeClass
        fun start() {
            TestApp.server = Demo()
        }

        @JvmStatic
        @AfterClass
        fun stop() = TestApp.server.close()
    }
}
