@file:Suppress("ClassName", "ConstPropertyName")

package dev.lanyard.app

/** Stands in for what the Android build makes of the resources; a test holds its names to theirs. */
object R {
    object string {
        const val app_name = 1
        const val unlock_title = 2
        const val unlock = 3
        const val unlock_reason = 4
        const val share_reason = 5
        const val cannot_open = 6
        const val cards = 7
        const val no_cards = 8
        const val add = 9
        const val scan = 10
        const val paste_label = 11
        const val go_on = 12
        const val cancel = 13
        const val history = 14
        const val settings = 15
        const val from_issuer = 16
        const val valid_until = 17
        const val ends_soon = 18
        const val expired = 19
        const val uses_left = 20
        const val renew = 21
        const val delete = 22
        const val delete_sure = 23
        const val signed_by = 24
        const val requested = 25
        const val offer_title = 26
        const val offer_trust = 27
        const val accept = 28
        const val decline = 29
        const val log_in = 30
        const val code_label = 31
        const val code_form = 32
        const val code_wrong = 33
        const val try_again = 34
        const val request_title = 35
        const val trust_certified = 36
        const val trust_attested = 37
        const val trust_registered = 38
        const val trust_did = 39
        const val trust_address = 40
        const val required = 41
        const val optional = 42
        const val share = 43
        const val nothing_fits = 44
        const val not_you = 45
        const val payment = 46
        const val sign_documents = 47
        const val added = 48
        const val added_later = 49
        const val shared = 50
        const val declined = 51
        const val failed = 52
        const val done = 53
        const val search = 54
        const val export = 55
        const val forget_all = 56
        const val event_received = 57
        const val event_deferred = 58
        const val event_offer_declined = 59
        const val event_issuance_failed = 60
        const val event_presented = 61
        const val event_request_declined = 62
        const val event_presentation_failed = 63
        const val event_deleted = 64
        const val recovery = 65
        const val recovery_text = 66
        const val recovery_save = 67
        const val recovery_code = 68
        const val recovery_open = 69
        const val recovery_code_label = 70
        const val recovery_wrong = 71
        const val suspended = 72
        const val revoked = 73
        const val status_as_of = 74
        const val status_old = 75
        const val status_never = 76
        const val offer_signed = 77
        const val unusable = 78
    }
}
