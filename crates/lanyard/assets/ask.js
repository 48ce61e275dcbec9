// The page of an open request: keeps the code and the link good while they are shown, and asks the browser itself
// where it can (Digital Credentials API). Without this script the page is read again every half minute.
"use strict";
(function () {
  const section = document.querySelector("[data-ask]");
  if (!section) return;
  const place = section.dataset.ask;

  const refresh = async function () {
    const reply = await fetch(`${place}/now`, { headers: { accept: "application/json" } }).catch(() => null);
    if (!reply) return;
    if (!reply.ok) {
      clearInterval(timer);
      return;
    }
    const now = await reply.json();
    const picture = section.querySelector(".qr img");
    if (picture && now.qr) picture.src = now.qr;
    for (const field of section.querySelectorAll("input[readonly], input[name=link]")) field.value = now.link;
    for (const link of section.querySelectorAll("a[data-link]")) link.href = now.link;
  };
  const timer = section.hasAttribute("data-rotates") ? setInterval(refresh, 15000) : 0;

  const button = section.querySelector("[data-dc-api]");
  const said = section.querySelector("[data-dc-api-said]");
  const credential = window.DigitalCredential;
  if (!button || !credential || !navigator.credentials || !window.isSecureContext) return;
  button.hidden = false;
  button.addEventListener("click", async function () {
    button.disabled = true;
    said.textContent = "Continue in the window of your browser.";
    try {
      const asked = await (await fetch(`${place}/dc-api`)).json();
      const can = credential.userAgentAllowsProtocol;
      const requests = asked.requests.filter((one) => !can || can.call(credential, one.protocol));
      const answer = await navigator.credentials.get({ mediation: "required", digital: { requests } });
      const data = typeof answer.data === "string" ? JSON.parse(answer.data) : answer.data;
      const reply = await fetch(`${place}/dc-api`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ protocol: answer.protocol, data }),
      });
      const taken = await reply.json();
      if (taken.redirect_uri) window.location.assign(taken.redirect_uri);
      said.textContent = taken.taken ? "The wallet answered." : "The answer was refused; the verdict says why.";
    } catch {
      said.textContent = "The browser gave no answer. The code and the link still work.";
    } finally {
      button.disabled = false;
    }
  });
})();
