"""What the tests of the bindings have in common: a server for all, a wallet for each."""

import asyncio
import atexit
import base64
import json
import tempfile
import unittest
from pathlib import Path

import lanyard_wallet_ffi as lanyard
from world import Http, SecureStorage, Server, open_wallet

FORMATS = {
    "employee_badge": ("dc+sd-jwt", "badge"),
    "driving_licence": ("mso_mdoc", "licence"),
}

SERVER = Server()
atexit.register(SERVER.stop)


class WalletTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        # the wallet calls the ports from threads of its own
        loop = asyncio.get_running_loop()
        lanyard.uniffi_set_event_loop(loop)
        # the generated code drops futures by call_soon from those threads, which debug mode refuses; apps do not run in it
        loop.set_debug(False)
        self.folder = Path(tempfile.mkdtemp(prefix="lanyard-wallet-"))
        self.storage = SecureStorage()
        self.wallet = await self.opened()

    async def opened(self, more=None, **ports):
        return await open_wallet(SERVER, self.folder, self.storage, more, **ports)

    async def issuer_did(self):
        """The DID that the demo signs W3C credentials by: it stands in what a wallet that does not know it refuses."""
        http = Http()
        http.plain = True
        stranger = await open_wallet(SERVER, Path(tempfile.mkdtemp(prefix="lanyard-wallet-")), SecureStorage(), http=http)
        step = await stranger.read_offer(SERVER.offer("safety_training")["link"])
        with self.assertRaises(lanyard.AcceptError.Failed):
            await step.offer.accept()
        [body] = [body for url, body in http.replies if url.endswith("/credential")]
        payload = json.loads(body)["credentials"][0]["credential"].split(".")[1]
        return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["iss"]

    async def take(self, kind="employee_badge", wallet=None):
        wallet = wallet or self.wallet
        step = await wallet.read_offer(SERVER.offer(kind)["link"])
        self.assertTrue(step.is_READY())
        return await step.offer.accept()

    async def share(self, link, wallet=None):
        wallet = wallet or self.wallet
        request = await wallet.read_request(link)
        consent = await request.consent(request.choices().smallest)
        return request, consent, await request.answer(consent)
