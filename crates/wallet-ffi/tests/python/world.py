"""A running `lanyard demo`, driven by its command line, and the ports that an app would bring."""

import asyncio
import http.client
import json
import os
import secrets
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser
from pathlib import Path

import lanyard_wallet_ffi as lanyard

ROOT = Path(__file__).resolve().parents[4]
BINARY = os.environ.get("LANYARD_BIN", str(ROOT / "target" / "debug" / "lanyard"))


HELD = []


def free_port() -> int:
    """A port for a server that is told its number.

    It is below those that the system gives out by itself, and held as `free_port` of crates/testkit holds it:
    by the UDP port of the same number, until this process ends.
    """
    for port in range(20_000, 32_000):
        holder = socket.socket(type=socket.SOCK_DGRAM)
        try:
            holder.bind(("127.0.0.1", port))
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            holder.close()
            continue
        HELD.append(holder)
        return port
    raise RuntimeError("no port is free")


class Server:
    """Issuer and verifier in a process of their own."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="lanyard-ffi-"))
        self.port = free_port()
        self.base = f"http://localhost:{self.port}"
        log = (self.folder / "log").open("w")
        arguments = [BINARY, "demo", "--port", str(self.port), "--data", str(self.folder / "data")]
        self.process = subprocess.Popen(arguments, stdout=log, stderr=log)
        end = time.monotonic() + 120
        while not self._ready():
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.1)

    def _ready(self) -> bool:
        try:
            return urllib.request.urlopen(f"{self.base}/readyz", timeout=10).status == 200
        except (OSError, urllib.error.URLError):
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(60)

    @property
    def anchors(self) -> str:
        return (self.folder / "data" / "ca.pem").read_text()

    def _ask(self, command: str, *arguments: str, tenant: str = "demo"):
        server = ["--server", self.base, "--tenant", tenant, "--api-key-file", str(self.folder / "data" / "api-key")]
        call = [BINARY, command, *server, *arguments, "--json"]
        said = subprocess.run(call, capture_output=True, text=True, timeout=180)
        if not said.stdout:
            raise RuntimeError(said.stderr)
        return json.loads(said.stdout)

    def offer(self, kind: str, *arguments: str, tenant: str = "demo"):
        return self._ask("offer", "--type", kind, *arguments, tenant=tenant)

    def revoke(self, offer: str, *arguments: str):
        return self._ask("revoke", offer, *arguments)

    def request(self, *arguments: str):
        return self._ask("request", *arguments)

    def verdict(self, session: str):
        return self._ask("result", "--wait", "20", session)

    def ask_platform(self, preset: str, protocol: str, origin: str):
        """A request for the platform: its name, and what a page would hand over."""
        dc_api = {"protocols": [protocol], "origins": [origin]}
        made = self._post("/api/demo/requests", {"preset": preset, "dc_api": dc_api})
        [request] = made["dc_api"]["requests"]
        return made["id"], request

    def answer_platform(self, session: str, protocol: str, data, origin: str):
        """What the page does with the platform's answer."""
        body = {"protocol": protocol, "data": data, "origin": origin}
        return self._post(f"/api/demo/requests/{session}/dc-api", body)

    def attest(self, client: str, jwk: str):
        """The demo's wallet provider, which vouches for whoever asks."""
        return self._post("/sandbox/attestation", {"client_id": client, "jwk": json.loads(jwk)})["attestation"]

    def attest_keys(self, jwks: list[str], nonce: str | None):
        """The same provider, which vouches for keys."""
        keys = [json.loads(jwk) for jwk in jwks]
        return self._post("/sandbox/key-attestation", {"jwks": keys, "nonce": nonce})["attestation"]

    def _post(self, path: str, body):
        key = (self.folder / "data" / "api-key").read_text().strip()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        request = urllib.request.Request(self.base + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")


class SecureStorage(lanyard.SecureStoragePort):
    def __init__(self, key: bytes | None = None):
        self.key = key or secrets.token_bytes(32)

    async def database_key(self):
        return self.key


class Http(lanyard.HttpPort):
    """The platform's HTTP client, with the standard library."""

    def __init__(self):
        self.seen = []
        self.replies = []
        self.plain = False
        self.broken = False
        self.slow = None

    async def send(self, exchange):
        self.seen.append(exchange.url)
        if self.slow is not None:
            self.slow.set()
            await asyncio.sleep(3600)
        if self.broken:
            raise lanyard.HttpPortError.NoAnswer()
        reply = await asyncio.to_thread(self._exchange, exchange)
        if self.plain and "/.well-known/openid-credential-issuer/" in exchange.url:
            reply = self._without_encryption(reply)
        self.replies.append((exchange.url, reply.body))
        return reply

    @staticmethod
    def _without_encryption(reply):
        metadata = json.loads(reply.body)
        for member in ("credential_request_encryption", "credential_response_encryption"):
            metadata.pop(member, None)
        return lanyard.HttpReply(status=reply.status, headers=reply.headers, body=json.dumps(metadata).encode())

    @staticmethod
    def _exchange(exchange):
        url = urllib.parse.urlsplit(exchange.url)
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        target = url.path + (f"?{url.query}" if url.query else "")
        headers = {header.name: header.value for header in exchange.headers}
        connection.request(exchange.method, target, exchange.body or None, headers)
        answer = connection.getresponse()
        body = answer.read(exchange.most_bytes + 1)
        kept = [lanyard.HttpHeader(name=name, value=value) for name, value in answer.getheaders()]
        connection.close()
        return lanyard.HttpReply(status=answer.status, headers=kept, body=body)


class Holder(lanyard.UserAuthenticationPort):
    def __init__(self, answer: bool = True):
        self.answer = answer
        self.asked = 0

    async def authenticate_to_share(self):
        self.asked += 1
        return self.answer


class Clock(lanyard.ClockPort):
    def __init__(self):
        self.ahead = 0

    def now(self):
        return int(time.time()) + self.ahead


class WalletProvider(lanyard.WalletAttestationPort):
    """The app's backend: here the demo's wallet provider."""

    def __init__(self, server: Server, client: str = "lanyard-wallet"):
        self.server, self.client = server, client
        self.asked = []

    async def attest(self, server, jwk):
        self.asked.append((server, jwk))
        return await asyncio.to_thread(self.server.attest, self.client, jwk)


class KeyVoucher(lanyard.KeyAttestationPort):
    """The app's backend, which vouches for keys: here the demo's wallet provider."""

    def __init__(self, server: Server):
        self.server = server
        self.asked = []
        self.broken = False

    async def attest(self, keys, nonce):
        if self.broken:
            raise lanyard.AttestationPortError.Unavailable()
        self.asked.append(([key.jwk for key in keys], nonce))
        return await asyncio.to_thread(self.server.attest_keys, [key.jwk for key in keys], nonce)


async def open_wallet(server: Server, folder: Path, storage: SecureStorage, more: dict | None = None, **ports):
    options = lanyard.WalletOptions(
        database=str(folder / "wallet.sqlite"),
        issuer_anchors=server.anchors,
        verifier_anchors=server.anchors,
        languages=["en"],
        client_id="lanyard-wallet",
        redirect_uri="http://127.0.0.1:1/callback",
        danger_allow_http=[f"localhost:{server.port}"],
        **(more or {}),
    )
    wanted = {"key_store": None, "http": None, "clock": None, "user_authentication": None} | ports
    return await lanyard.open_wallet(options, lanyard.WalletPorts(secure_storage=storage, **wanted))


class _Form(HTMLParser):
    def __init__(self):
        super().__init__()
        self.fields = {}

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "input" and attributes.get("type") == "hidden":
            self.fields[attributes["name"]] = attributes["value"]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def log_in(url: str, decision: str = "allow") -> str:
    """Goes through the issuer's pages as the demo's holder: the link that the browser comes back with."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(), _NoRedirect)
    page, place = opener.open(url), url
    for step in ({"user": "ada", "password": "demo", "decision": "log_in"}, {"decision": decision}):
        form = _Form()
        form.feed(page.read().decode())
        body = urllib.parse.urlencode(form.fields | step).encode()
        try:
            origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(place))
            page = opener.open(urllib.request.Request(place, body, {"Origin": origin}))
        except urllib.error.HTTPError as answer:
            if answer.code not in (302, 303):
                raise RuntimeError(answer.read().decode()) from answer
            return answer.headers["Location"]
    raise RuntimeError("the issuer did not send the browser back")
