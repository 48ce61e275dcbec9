"""Presentations by the wallet's Python bindings to a real verifier."""

import json

import lanyard_wallet_ffi as lanyard
from case import FORMATS, SERVER, WalletTest
from world import Holder

PROTOCOLS = {
    "openid4vp-v1-unsigned": ("employee_badge", "badge"),
    "openid4vp-v1-signed": ("employee_badge", "badge"),
    "openid4vp-v1-multisigned": ("employee_badge", "badge"),
    "org-iso-mdoc": ("driving_licence", "licence"),
}

WAYS = [
    ("redirect_uri", "--plain"),
    ("redirect_uri",),
    ("x509_san_dns", "--request-uri-method", "get"),
    ("x509_hash", "--request-uri-method", "post"),
    ("decentralized_identifier", "--request-uri-method", "get"),
]


class Presentation(WalletTest):
    async def test_presents_an_sd_jwt_vc_and_an_mdoc(self):
        for kind, (_, preset) in FORMATS.items():
            with self.subTest(kind):
                await self.take(kind)
                asked = SERVER.request("--preset", preset)
                await self.share(asked["link"])
                self.assertEqual(SERVER.verdict(asked["id"])["verdict"]["state"], "verified")

    async def test_answers_in_every_way_that_a_verifier_asks(self):
        await self.take()
        for prefix, *more in WAYS:
            with self.subTest(prefix=prefix, more=more):
                asked = SERVER.request("--preset", "badge", "--client-id-prefix", prefix, *more)
                await self.share(asked["link"])
                self.assertEqual(SERVER.verdict(asked["id"])["verdict"]["state"], "verified")

    async def test_shares_what_was_consented_to_and_nothing_else(self):
        await self.take()
        query = {"credentials": [{"id": "b", "format": "dc+sd-jwt",
                 "meta": {"vct_values": ["urn:lanyard:demo:employee-badge:1"]}, "claims": [{"path": ["given_name"]}]}]}
        asked = SERVER.request("--dcql", json.dumps(query))
        request = await self.wallet.read_request(asked["link"])
        [candidate] = request.choices().queries[0].candidates
        self.assertEqual([(row.label, row.value) for row in candidate.claim_sets[0].claims], [("Given name", "Ada")])
        consent = await request.consent(request.choices().smallest)
        self.assertEqual([one.claims for one in consent.shares()], [['["given_name"]']])
        await request.answer(consent)
        [shown] = SERVER.verdict(asked["id"])["verdict"]["credentials"]
        self.assertEqual(shown["claims"]["given_name"], "Ada")
        self.assertNotIn("family_name", shown["claims"])

    async def test_tells_who_asks_and_how_that_is_known(self):
        await self.take()
        trust = {}
        for prefix in ("redirect_uri", "x509_hash", "decentralized_identifier"):
            asked = SERVER.request("--preset", "badge", "--client-id-prefix", prefix)
            trust[prefix] = (await self.wallet.read_request(asked["link"])).verifier().trust
        level = lanyard.TrustLevel
        self.assertEqual(list(trust.values()), [level.ADDRESS_ONLY, level.CERTIFIED, level.DID_ONLY])

    async def test_a_holder_who_does_not_authenticate_can_try_again(self):
        holder = Holder(answer=False)
        self.wallet = await self.opened(user_authentication=holder)
        await self.take()
        request = await self.wallet.read_request(SERVER.request("--preset", "badge")["link"])
        with self.assertRaises(lanyard.ConsentError.NotAuthenticated):
            await request.consent(request.choices().smallest)
        holder.answer = True
        await request.answer(await request.consent(request.choices().smallest))
        self.assertEqual(holder.asked, 2)

    async def test_a_request_and_a_consent_are_used_once(self):
        await self.take()
        request, consent, _ = await self.share(SERVER.request("--preset", "badge")["link"])
        with self.assertRaises(lanyard.AnswerError.AlreadyUsed):
            await request.answer(consent)
        with self.assertRaises(lanyard.ConsentError.AlreadyUsed):
            request.choices()
        other = await self.wallet.read_request(SERVER.request("--preset", "badge")["link"])
        with self.assertRaises(lanyard.AnswerError.AlreadyUsed):
            await other.answer(consent)

    async def test_a_consent_answers_no_other_request(self):
        await self.take()
        one = await self.wallet.read_request(SERVER.request("--preset", "badge")["link"])
        other = await self.wallet.read_request(SERVER.request("--preset", "badge")["link"])
        consent = await one.consent(one.choices().smallest)
        with self.assertRaises(lanyard.AnswerError.Failed):
            await other.answer(consent)

    async def test_a_no_and_having_nothing_look_the_same_to_the_verifier(self):
        told = []
        for has in (False, True):
            if has:
                await self.take()
            asked = SERVER.request("--preset", "badge")
            request = await self.wallet.read_request(asked["link"])
            if not has:
                with self.assertRaises(lanyard.ConsentError.NothingFits):
                    request.choices()
            await request.decline()
            told.append({key: value for key, value in SERVER.verdict(asked["id"]).items() if key in ("state", "reason")})
        self.assertEqual(told[0], told[1])

    async def test_a_selection_that_is_not_among_the_choices_is_refused(self):
        await self.take()
        request = await self.wallet.read_request(SERVER.request("--preset", "badge")["link"])
        picked = lanyard.HolderSelection(options=[7], picks=[])
        with self.assertRaises(lanyard.ConsentError.Selection):
            await request.consent(picked)

    async def test_answers_the_platform_in_each_of_its_protocols(self):
        origin = SERVER.base
        for protocol, (kind, preset) in PROTOCOLS.items():
            with self.subTest(protocol):
                await self.take(kind)
                session, asked = SERVER.ask_platform(preset, protocol, origin)
                self.assertEqual(asked["protocol"], protocol)
                request = await self.wallet.read_platform_request(protocol, json.dumps(asked["data"]), origin)
                consent = await request.consent(request.choices().smallest)
                data = json.loads(await request.answer(consent))
                SERVER.answer_platform(session, protocol, data, origin)
                self.assertEqual(SERVER.verdict(session)["verdict"]["state"], "verified")

    async def test_a_signed_request_for_another_origin_is_refused(self):
        await self.take()
        _, asked = SERVER.ask_platform("badge", "openid4vp-v1-signed", SERVER.base)
        with self.assertRaises(lanyard.RequestError.Refused):
            await self.wallet.read_platform_request(
                "openid4vp-v1-signed", json.dumps(asked["data"]), "https://evil.example")

    async def test_the_platform_is_told_no(self):
        await self.take()
        _, asked = SERVER.ask_platform("badge", "openid4vp-v1-unsigned", SERVER.base)
        request = await self.wallet.read_platform_request(
            "openid4vp-v1-unsigned", json.dumps(asked["data"]), SERVER.base)
        self.assertEqual(json.loads(request.decline()), {"error": "access_denied"})
        with self.assertRaises(lanyard.AnswerError.AlreadyUsed):
            request.decline()

    async def test_a_platform_request_that_is_no_json_is_refused(self):
        with self.assertRaises(lanyard.RequestError.Refused):
            await self.wallet.read_platform_request("openid4vp-v1-unsigned", "{", "https://shop.example")
