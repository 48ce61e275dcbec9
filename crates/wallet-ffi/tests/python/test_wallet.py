"""The wallet's Python bindings against a real issuer and a real verifier."""

import asyncio
import json
import tempfile
import unittest
from pathlib import Path

import lanyard_wallet_ffi as lanyard
from case import FORMATS, SERVER, WalletTest
from world import Clock, Http, KeyVoucher, SecureStorage, WalletProvider, log_in, open_wallet

W3C = {
    "safety_training": ("jwt_vc_json", ["--preset", "training"]),
    "alumni_membership": ("ldp_vc", ["--dcql", json.dumps({"credentials": [{
        "id": "alumni", "format": "ldp_vc", "meta": {"type_values": [["AlumniMembership"]]},
        "claims": [{"path": ["credentialSubject", "given_name"]}]}]})]),
}

PORTRAIT = json.dumps({"credentials": [{
    "id": "badge", "format": "dc+sd-jwt", "meta": {"vct_values": ["urn:lanyard:demo:employee-badge:1"]},
    "claims": [{"path": ["given_name"]}, {"path": ["portrait"]}]}]})

WORDS = json.dumps([{"format": "registrar_dataset", "data": {
    "purpose": [{"lang": "en", "content": "To let you in"}],
    "policyURI": "https://desk.example/privacy", "supportURI": "privacy@desk.example"}}])


class Issuance(WalletTest):
    async def test_takes_an_sd_jwt_vc_and_an_mdoc(self):
        for kind, (format_, _) in FORMATS.items():
            with self.subTest(kind):
                [card] = await self.take(kind)
                held = next(one for one in self.wallet.cards() if one.id == card)
                self.assertEqual(held.format, format_)
                self.assertIn("Ada", [claim.value for claim in held.claims])
                self.assertEqual(held.standing, lanyard.CardStanding.VALID)

    async def test_a_cards_logo_arrives_as_bytes_and_is_shown_with_the_offer(self):
        step = await self.wallet.read_offer(SERVER.offer("employee_badge")["link"])
        offered = step.offer.review().credentials[0]
        [card] = await step.offer.accept()
        [held] = self.wallet.cards()
        self.assertEqual((held.has_logo, held.has_background_image), (True, False))
        self.assertEqual((offered.logo_alt, held.logo_alt), ("Alder & Finch leaf",) * 2)
        logo = self.wallet.card_picture(card, lanyard.CardPictureKind.LOGO)
        self.assertEqual(logo.media_type, "image/png")
        self.assertTrue(logo.bytes.startswith(b"\x89PNG"))
        self.assertEqual(offered.logo, logo)
        self.assertIsNone(self.wallet.card_picture(card, lanyard.CardPictureKind.BACKGROUND_IMAGE))

    async def test_a_credential_of_an_issuer_that_is_not_trusted_is_not_kept(self):
        # the demo signs W3C credentials by a DID of its own, which this wallet was not told of
        step = await self.wallet.read_offer(SERVER.offer("safety_training")["link"])
        with self.assertRaises(lanyard.AcceptError.Failed) as refused:
            await step.offer.accept()
        self.assertEqual(refused.exception.code, "credential_refused")
        self.assertEqual(self.wallet.cards(), [])

    async def test_w3c_credentials_of_a_known_did_are_taken_and_presented(self):
        did = await self.issuer_did()
        self.wallet = await self.opened(more={"issuer_dids": [did]})
        for kind, (format_, question) in W3C.items():
            with self.subTest(kind):
                [card] = await self.take(kind)
                held = next(one for one in self.wallet.cards() if one.id == card)
                self.assertEqual((held.format, held.signed_by), (format_, did))
                self.assertIn("Ada", [claim.value for claim in held.claims])
                asked = SERVER.request(*question)
                await self.share(asked["link"])
                self.assertEqual(SERVER.verdict(asked["id"])["verdict"]["state"], "verified")

    async def test_an_issuer_that_signs_its_metadata_is_vouched_for(self):
        signature = lanyard.MetadataSignature
        for wanted, signed in ((None, False), (signature.PREFERRED, True), (signature.REQUIRED, True)):
            with self.subTest(wanted):
                wallet = await self.opened(more={"signed_metadata": wanted})
                step = await wallet.read_offer(SERVER.offer("employee_badge")["link"])
                self.assertEqual(step.offer.review().signed, signed)
                step.offer.decline()

    async def test_the_apps_backend_attests_the_wallet_to_an_issuer_that_demands_it(self):
        provider = WalletProvider(SERVER)
        link = SERVER.offer("employee_badge", tenant="demo-attested")["link"]
        with self.assertRaises(lanyard.AcceptError.Failed):
            await (await self.wallet.read_offer(link)).offer.accept()
        wallet = await self.opened(wallet_attestation=provider)
        for _ in range(2):
            link = SERVER.offer("employee_badge", tenant="demo-attested")["link"]
            await (await wallet.read_offer(link)).offer.accept()
        [(server, jwk)] = provider.asked
        self.assertTrue(server.endswith("/demo-attested"))
        self.assertNotIn("d", json.loads(jwk))

    async def test_the_apps_backend_vouches_for_keys_where_an_issuer_demands_it(self):
        voucher = KeyVoucher(SERVER)
        demanding = lambda: SERVER.offer("employee_badge", tenant="demo-keys")["link"]
        with self.assertRaises(lanyard.OfferError.Refused) as refused:
            await self.wallet.read_offer(demanding())
        self.assertEqual(refused.exception.code, "credential_unsupported")
        wallet = await self.opened(key_attestation=voucher)
        [card] = await (await wallet.read_offer(demanding())).offer.accept()
        [(jwks, nonce)] = voucher.asked
        [held] = [one for one in wallet.cards() if one.id == card]
        self.assertEqual(len(set(jwks)), held.copies)
        self.assertTrue(nonce)
        self.assertFalse(any("d" in json.loads(jwk) for jwk in jwks))
        voucher.broken = True
        with self.assertRaises(lanyard.AcceptError.Failed) as refused:
            await (await wallet.read_offer(demanding())).offer.accept()
        self.assertEqual(refused.exception.code, "key_attestation_unavailable")

    async def test_an_issuer_that_demands_all_that_haip_does_is_served(self):
        provider, voucher = WalletProvider(SERVER), KeyVoucher(SERVER)
        wallet = await self.opened(wallet_attestation=provider, key_attestation=voucher)
        link = SERVER.offer("driving_licence", tenant="demo-dpop-attested-encrypted-keys")["link"]
        [card] = await (await wallet.read_offer(link)).offer.accept()
        self.assertEqual((len(provider.asked), len(voucher.asked)), (1, 1))
        asked = SERVER.request("--preset", "licence")
        await self.share(asked["link"], wallet)
        self.assertEqual(SERVER.verdict(asked["id"])["verdict"]["state"], "verified")

    async def test_a_wrong_transaction_code_can_be_typed_again(self):
        made = SERVER.offer("employee_badge", "--tx-code")
        step = await self.wallet.read_offer(made["link"])
        self.assertTrue(step.is_REQUIRES_TX_CODE())
        code = made["tx_code"]
        self.assertEqual(step.offer.tx_code().length, len(code))
        with self.assertRaises(lanyard.AcceptError.TxCodeForm):
            await step.offer.accept("1")
        wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
        with self.assertRaises(lanyard.AcceptError.TxCodeWrong):
            await step.offer.accept(wrong)
        self.assertEqual(len(await step.offer.accept(code)), 1)

    async def test_an_accepted_offer_is_used_up(self):
        step = await self.wallet.read_offer(SERVER.offer("employee_badge")["link"])
        await step.offer.accept()
        with self.assertRaises(lanyard.AcceptError.AlreadyUsed):
            await step.offer.accept()
        with self.assertRaises(lanyard.AcceptError.AlreadyUsed):
            step.offer.decline()

    async def test_a_declined_offer_is_in_the_history(self):
        step = await self.wallet.read_offer(SERVER.offer("employee_badge")["link"])
        self.assertEqual(step.offer.review().credentials[0].name, "Employee badge")
        step.offer.decline()
        self.assertTrue(self.wallet.history(None)[0].kind.is_OFFER_DECLINED())
        self.assertEqual(self.wallet.cards(), [])

    async def test_a_login_goes_on_after_the_app_was_killed(self):
        step = await self.wallet.read_offer(SERVER.offer("employee_badge", "--holder", "ada")["link"])
        self.assertTrue(step.is_REQUIRES_LOGIN())
        login = await step.offer.begin()
        back = await asyncio.to_thread(log_in, login.url())
        self.wallet = await self.opened()
        self.assertEqual(len(await self.wallet.finish_login(back)), 1)
        with self.assertRaises(lanyard.LoginError.NotOurs):
            await self.wallet.finish_login(back)

    async def test_a_holder_who_declines_at_the_issuer_is_told_so(self):
        step = await self.wallet.read_offer(SERVER.offer("employee_badge", "--holder", "ada")["link"])
        login = await step.offer.begin()
        back = await asyncio.to_thread(log_in, login.url(), "deny")
        with self.assertRaises(lanyard.LoginError.Declined):
            await login.finish(back)

    async def test_a_link_that_is_no_offer_is_refused_with_its_reason(self):
        with self.assertRaises(lanyard.OfferError.Refused) as refused:
            await self.wallet.read_offer("https://example.org/not-an-offer")
        self.assertEqual(refused.exception.code, "offer_refused")


class Ports(WalletTest):
    async def test_the_platforms_http_carries_every_request(self):
        http = Http()
        self.wallet = await self.opened(http=http)
        await self.take()
        await self.share(SERVER.request("--preset", "badge")["link"])
        self.assertTrue(any(url.endswith("/token") for url in http.seen))

    async def test_a_network_that_is_away_can_be_tried_again(self):
        http = Http()
        self.wallet = await self.opened(http=http)
        step = await self.wallet.read_offer(SERVER.offer("employee_badge")["link"])
        http.broken = True
        with self.assertRaises(lanyard.AcceptError.TryAgain):
            await step.offer.accept()
        http.broken = False
        self.assertEqual(len(await step.offer.accept()), 1)

    async def test_a_cancelled_call_stops_and_the_wallet_works_on(self):
        http = Http()
        self.wallet = await self.opened(http=http)
        http.slow = asyncio.Event()
        reading = asyncio.create_task(self.wallet.read_offer(SERVER.offer("employee_badge")["link"]))
        await http.slow.wait()
        reading.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await reading
        http.slow = None
        self.assertEqual(len(await self.take()), 1)

    async def test_a_card_past_its_end_answers_nothing(self):
        clock = Clock()
        self.wallet = await self.opened(clock=clock)
        await self.take()
        clock.ahead = 366 * 86_400
        self.assertEqual(self.wallet.cards()[0].standing, lanyard.CardStanding.EXPIRED)

    async def test_a_database_of_another_key_stays_closed(self):
        await self.take()
        with self.assertRaises(lanyard.OpenError.WrongKey):
            await open_wallet(SERVER, self.folder, SecureStorage())
        self.assertEqual(len((await self.opened()).cards()), 1)

    async def test_a_key_of_the_wrong_length_opens_nothing(self):
        with self.assertRaises(lanyard.OpenError.KeyUnavailable):
            await open_wallet(SERVER, self.folder, SecureStorage(b"short"))

    async def test_a_port_that_throws_is_an_error_and_not_the_end(self):
        class Broken(lanyard.SecureStoragePort):
            async def database_key(self):
                raise ValueError("a fault of the app")

        with self.assertRaises(lanyard.OpenError.KeyUnavailable):
            await open_wallet(SERVER, self.folder, Broken())


    async def test_nothing_that_is_handed_over_stops_the_wallet(self):
        for text in ("", "\0", "openid4vp://?" + "x" * (8 << 20), "[" * 100_000):
            with self.assertRaises(lanyard.RequestError):
                await self.wallet.read_request(text)
            with self.assertRaises(lanyard.OfferError):
                await self.wallet.read_offer(text)
            with self.assertRaises(lanyard.RequestError):
                await self.wallet.read_platform_request("openid4vp-v1-unsigned", text, "https://shop.example")
        with self.assertRaises(UnicodeError):
            await self.wallet.read_request("\ud800")
        self.assertEqual(len(await self.take()), 1)

    async def test_many_calls_at_once_are_answered(self):
        await self.take()
        reads = [asyncio.to_thread(self.wallet.cards) for _ in range(40)]
        offers = [self.wallet.read_offer(SERVER.offer("employee_badge")["link"]) for _ in range(4)]
        done = await asyncio.gather(*reads, *offers)
        self.assertTrue(all(len(cards) == 1 for cards in done[:40]))
        self.assertTrue(all(step.is_READY() for step in done[40:]))


class Life(WalletTest):
    async def standing_after(self, *steps):
        """How the card stands when the list has been asked anew: lists are kept as long as they say."""
        if steps:
            SERVER.revoke(*steps)
        self.wallet = await self.opened()
        changed = await self.wallet.refresh_statuses()
        [card] = self.wallet.cards()
        self.assertEqual(changed, [card.id])
        return card.standing, card.status.value

    async def test_a_card_says_what_its_issuers_list_says(self):
        made = SERVER.offer("employee_badge")
        await (await self.wallet.read_offer(made["link"])).offer.accept()
        [card] = self.wallet.cards()
        self.assertEqual((card.has_status, card.status), (True, None))
        standing, value = lanyard.CardStanding, lanyard.StatusValue
        self.assertEqual(await self.standing_after(), (standing.VALID, value.VALID))
        self.assertEqual(await self.standing_after(made["id"], "--suspend"), (standing.SUSPENDED, value.SUSPENDED))
        self.assertEqual(await self.standing_after(made["id"], "--reinstate"), (standing.VALID, value.VALID))
        self.assertEqual(await self.standing_after(made["id"]), (standing.REVOKED, value.REVOKED))

    async def test_a_card_that_was_taken_back_is_shown_with_the_reason_and_answers_nothing(self):
        made = SERVER.offer("employee_badge")
        [card] = await (await self.wallet.read_offer(made["link"])).offer.accept()
        for steps, standing in (
            (("--suspend",), lanyard.CardStanding.SUSPENDED),
            ((), lanyard.CardStanding.REVOKED),
        ):
            await self.standing_after(made["id"], *steps)
            request = await self.wallet.read_request(SERVER.request("--preset", "badge")["link"])
            with self.assertRaises(lanyard.ConsentError.NothingFits):
                request.choices()
            [unusable] = request.unusable()
            self.assertEqual((unusable.card, unusable.standing), (card, standing))
            self.assertEqual(unusable.status.as_of, self.wallet.cards()[0].status.as_of)
            await request.decline()
            origin = SERVER.base
            _, asked = SERVER.ask_platform("badge", "openid4vp-v1-unsigned", origin)
            request = await self.wallet.read_platform_request(asked["protocol"], json.dumps(asked["data"]), origin)
            with self.assertRaises(lanyard.ConsentError.NothingFits):
                request.choices()
            self.assertEqual([one.standing for one in request.unusable()], [standing])

    async def test_without_a_network_the_last_known_status_stays_with_its_age(self):
        http, clock = Http(), Clock()
        self.wallet = await self.opened(http=http, clock=clock)
        made = SERVER.offer("employee_badge")
        await (await self.wallet.read_offer(made["link"])).offer.accept()
        SERVER.revoke(made["id"], "--suspend")
        await self.wallet.refresh_statuses()
        before = self.wallet.cards()[0].status
        self.assertTrue(before.is_current)
        http.broken = True
        self.wallet = await self.opened(http=http, clock=clock)
        clock.ahead = 20 * 86_400
        self.assertEqual(await self.wallet.refresh_statuses(), [])
        [card] = self.wallet.cards()
        self.assertEqual((card.standing, card.status.as_of), (lanyard.CardStanding.SUSPENDED, before.as_of))
        self.assertFalse(card.status.is_current)

    async def test_the_platform_is_told_which_claims_there_are_and_no_value(self):
        await self.take()
        await self.take("driving_licence")
        licence, badge = self.wallet.registrations()
        self.assertEqual((licence.format, licence.kind), ("mso_mdoc", "org.iso.18013.5.1.mDL"))
        self.assertIn(["org.iso.18013.5.1", "family_name"], [claim.path for claim in licence.claims])
        self.assertEqual((badge.format, badge.name), ("dc+sd-jwt", "Employee badge"))
        self.assertIn((["given_name"], "Given name"), [(claim.path, claim.label) for claim in badge.claims])
        self.assertNotIn("Ada", repr([licence, badge]))

    async def test_of_all_that_a_page_asks_by_the_first_that_is_spoken_is_answered(self):
        await self.take()
        origin = SERVER.base
        session, asked = SERVER.ask_platform("badge", "openid4vp-v1-signed", origin)
        unknown = {"protocol": "openid4vp-v9", "data": {}}
        both = json.dumps({"requests": [unknown, asked, unknown]})
        request = await self.wallet.read_platform_requests(both, origin)
        self.assertEqual(request.protocol(), "openid4vp-v1-signed")
        data = json.loads(await request.answer(await request.consent(request.choices().smallest)))
        SERVER.answer_platform(session, request.protocol(), data, origin)
        self.assertEqual(SERVER.verdict(session)["verdict"]["state"], "verified")
        for requests in ("", "[]", "{}", json.dumps({"requests": [unknown]}), json.dumps({"requests": [7]})):
            with self.assertRaises(lanyard.RequestError.Refused):
                await self.wallet.read_platform_requests(requests, origin)

    async def test_two_wallets_on_one_database_share_its_cards(self):
        other = await self.opened()
        await asyncio.gather(self.take(), self.take("driving_licence", other))
        self.assertEqual(len(self.wallet.cards()), 2)
        self.assertEqual(len(other.cards()), 2)

    async def test_copies_are_used_one_after_another(self):
        await self.take()
        before = self.wallet.cards()[0].unused_copies
        await self.share(SERVER.request("--preset", "badge")["link"])
        self.assertEqual(self.wallet.cards()[0].unused_copies, before - 1)

    async def test_a_deleted_card_is_gone_and_in_the_history(self):
        [card] = await self.take()
        self.assertTrue(await self.wallet.delete_card(card))
        self.assertFalse(await self.wallet.delete_card(card))
        self.assertTrue(self.wallet.history(None)[0].kind.is_DELETED())

    async def test_what_a_verifier_asks_too_much_is_flagged_claim_by_claim(self):
        await self.take()
        request = await self.wallet.read_request(SERVER.request("--dcql", PORTRAIT)["link"])
        choices = request.choices()
        kind = lanyard.OverAskingKind.PORTRAIT
        self.assertEqual([flag.kind for flag in choices.over_asked], [kind])
        [claims] = choices.queries[0].candidates[0].claim_sets
        flagged = [claim for claim in claims.claims if claim.over_asked is not None]
        self.assertEqual([(claim.label, claim.over_asked) for claim in flagged], [("Portrait", kind)])
        self.assertEqual([flag.claim for flag in claims.over_asked], ["Portrait"])
        request = await self.wallet.read_request(SERVER.request("--preset", "badge")["link"])
        self.assertEqual(request.choices().over_asked, [])

    async def test_why_a_verifier_asks_and_whom_to_ask_for_deletion_is_told_and_kept(self):
        await self.take()
        asked = SERVER.request("--preset", "badge", "--verifier-info", WORDS)
        request, _, _ = await self.share(asked["link"])
        told = request.verifier().told
        self.assertEqual(told.purpose, "To let you in")
        self.assertEqual([contact.uri for contact in told.for_deletion], ["mailto:privacy@desk.example"])
        self.assertEqual(told.privacy_policy.uri, "https://desk.example/privacy")
        self.assertEqual(self.wallet.history(None)[0].told.purpose, "To let you in")
        [shared] = self.wallet.shared_with()
        self.assertEqual((shared.times, shared.told.for_deletion[0].shown), (1, "privacy@desk.example"))
        unsigned = SERVER.request("--preset", "badge", "--verifier-info", WORDS, "--client-id-prefix", "redirect_uri")
        request = await self.wallet.read_request(unsigned["link"])
        self.assertIsNone(request.verifier().told.purpose)

    async def test_a_revoked_card_is_told_once(self):
        offer = SERVER.offer("employee_badge")
        step = await self.wallet.read_offer(offer["link"])
        [card] = await step.offer.accept()
        SERVER.revoke(offer["id"])
        await self.wallet.refresh_statuses()
        [notice] = self.wallet.notices()
        self.assertEqual((notice.card, notice.is_now), (card, lanyard.StatusValue.REVOKED))
        self.wallet.notices_seen([notice])
        await self.wallet.refresh_statuses()
        self.assertEqual(self.wallet.notices(), [])

    async def test_wrong_pins_are_counted_and_waited_for(self):
        clock = Clock()
        wallet = await self.opened(clock=clock)
        wallet.set_pin("482916", None)
        for _ in range(2):
            with self.assertRaises(lanyard.PinError.Wrong):
                wallet.try_pin("111222")
        with self.assertRaises(lanyard.PinError.Wrong) as wrong:
            wallet.try_pin("111222")
        self.assertEqual(wrong.exception.wait_seconds, 30)
        again = await self.opened(clock=clock)
        with self.assertRaises(lanyard.PinError.Locked):
            again.try_pin("482916")
        clock.ahead += 31
        again.try_pin("482916")
        with self.assertRaises(lanyard.PinError.Easy):
            wallet.set_pin("000000", "482916")
        wallet.remove_pin("482916")
        self.assertFalse(again.has_pin())

    async def test_the_history_is_looked_through_by_kind_party_and_time(self):
        await self.take()
        await self.share(SERVER.request("--preset", "badge")["link"])
        name = lanyard.HistoryKindName.PRESENTED
        [entry] = self.wallet.find_in_history(lanyard.HistoryQuery(kinds=[name]))
        self.assertEqual(self.wallet.find_in_history(lanyard.HistoryQuery(party=entry.party))[0].id, entry.id)
        self.assertEqual(self.wallet.find_in_history(lanyard.HistoryQuery(until=entry.at - 3600)), [])
        self.assertEqual(len(self.wallet.find_in_history(lanyard.HistoryQuery(_from=entry.at - 3600))), 2)

    async def test_the_history_is_searched_exported_and_forgotten(self):
        await self.take()
        await self.take("driving_licence")
        self.assertEqual(len(self.wallet.history("DRIVING")), 1)
        exported = json.loads(self.wallet.export_history())
        self.assertEqual(len(exported), 2)
        self.assertTrue(self.wallet.forget(self.wallet.history(None)[0].id))
        self.wallet.forget_history()
        self.assertEqual(self.wallet.history(None), [])

    async def test_an_inventory_brings_the_credentials_to_a_new_phone(self):
        await self.take()
        kit = self.wallet.export_inventory()
        self.assertNotIn(b"Employee", kit.sealed)
        new = await open_wallet(SERVER, Path(tempfile.mkdtemp()), SecureStorage())
        with self.assertRaises(lanyard.RecoveryError.Code):
            new.open_inventory(kit.sealed, "not a code")
        with self.assertRaises(lanyard.RecoveryError.Closed):
            new.open_inventory(kit.sealed[:-1] + b"\x00\x01", kit.recovery_code)
        [item] = new.open_inventory(kit.sealed, kit.recovery_code)
        step = await new.ask_again(item)
        self.assertTrue(step.is_REQUIRES_LOGIN())
        login = await step.offer.begin()
        await login.finish(await asyncio.to_thread(log_in, login.url()))
        self.assertEqual([card.name for card in new.cards()], ["Employee badge"])


if __name__ == "__main__":
    unittest.main()
