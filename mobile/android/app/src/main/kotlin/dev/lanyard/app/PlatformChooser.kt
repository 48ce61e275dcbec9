package dev.lanyard.app

import dev.lanyard.kit.Registration

/** The platform's own chooser of credentials, which asks this app for an answer. */
fun interface PlatformChooser {
    /** Tells it what there is to choose from, in the place of what it was told before. */
    suspend fun register(cards: List<Registration>)
}
