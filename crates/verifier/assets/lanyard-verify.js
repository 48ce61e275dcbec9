// <lanyard-verify>: asks for credentials from any page, in two lines.
//
//   <script src="https://verifier.example/lanyard-verify.js" defer></script>
//   <lanyard-verify tenant="acme" preset="age_over_18"></lanyard-verify>
//
// It asks through the browser (Digital Credentials API) where the browser can, and shows a QR code and a link
// for a wallet everywhere else. Nothing inline, nothing evaluated: a page needs no more in its CSP than
// script-src and connect-src for the verifier. The page learns how the request stands by the event
// "lanyard-state" and the request's identifier; who presented what, its server asks the verifier with the
// identifier and an API key.
//
// Attributes
//   tenant     whose questions are asked
//   preset     which question; or
//   start      a URL of the page's own server that makes the request (dc_api, browser_session, rotating_link)
//              and answers with {"id": …, "browser_session": …}
//   verifier   the origin of the verifier; that of this script unless told otherwise
//   lang       "en" or "de"; the page's language unless told otherwise
//   no-dc-api  never asks through the browser
"use strict";
(function () {
  if (!window.customElements || customElements.get("lanyard-verify")) return;
  const HOME = new URL(document.currentScript ? document.currentScript.src : location.href).origin;
  const LOOK_AGAIN = 3000;

  const WORDS = {
    en: {
      begin: "Verify with your wallet",
      ask: "Verify on this device",
      open: "Open a wallet on this device",
      other: "Use another device",
      scan: "Scan this code with the wallet on your phone.",
      code: "QR code for a wallet. It changes every few seconds.",
      starting: "Getting ready…",
      asking: "Continue in the window of your browser.",
      waiting: "Waiting for a wallet.",
      fetched: "A wallet is looking at the request. Continue there.",
      checking: "Checking…",
      responded: "The wallet answered. Continue there.",
      verified: "Verified. Thank you.",
      refused: "This could not be accepted.",
      undetermined: "This cannot be checked at the moment.",
      declined: "Nothing was shared.",
      expired: "The request has expired.",
      cancelled: "The request was taken back.",
      failed: "The verifier cannot be reached.",
      notAllowed: "This page may not ask here.",
      again: "Try again",
      retry: "You can try again with another credential.",
    },
    de: {
      begin: "Mit der Wallet nachweisen",
      ask: "Auf diesem Gerät nachweisen",
      open: "Wallet auf diesem Gerät öffnen",
      other: "Anderes Gerät verwenden",
      scan: "Scannen Sie diesen Code mit der Wallet auf Ihrem Telefon.",
      code: "QR-Code für eine Wallet. Er ändert sich alle paar Sekunden.",
      starting: "Wird vorbereitet …",
      asking: "Bitte im Fenster Ihres Browsers fortfahren.",
      waiting: "Warten auf eine Wallet.",
      fetched: "Eine Wallet zeigt die Anfrage. Bitte dort fortfahren.",
      checking: "Wird geprüft …",
      responded: "Die Wallet hat geantwortet. Bitte dort fortfahren.",
      verified: "Nachgewiesen. Vielen Dank.",
      refused: "Dieser Nachweis kann nicht angenommen werden.",
      undetermined: "Das lässt sich gerade nicht prüfen.",
      declined: "Es wurde nichts geteilt.",
      expired: "Die Anfrage ist abgelaufen.",
      cancelled: "Die Anfrage wurde zurückgezogen.",
      failed: "Der Prüfdienst ist nicht erreichbar.",
      notAllowed: "Diese Seite darf hier nicht fragen.",
      again: "Noch einmal",
      retry: "Sie können es mit einem anderen Nachweis versuchen.",
    },
  };

  const STYLE = `
    :host { display: block; max-width: 22rem; font: inherit; color-scheme: light dark;
      --lv-text: #14181f; --lv-soft: #566070; --lv-line: #d5dae1; --lv-ground: #ffffff;
      --lv-accent: #1d4fd7; --lv-on-accent: #ffffff; --lv-good: #16703a; --lv-bad: #b3261e; --lv-unsure: #8a5a00; }
    @media (prefers-color-scheme: dark) { :host {
      --lv-text: #eef1f5; --lv-soft: #a9b3c1; --lv-line: #3a424e; --lv-ground: #171b21;
      --lv-accent: #8fb0ff; --lv-on-accent: #0d1526; --lv-good: #6fd598; --lv-bad: #ff9c94; --lv-unsure: #f2c063; } }
    :host([hidden]) { display: none; }
    .box { box-sizing: border-box; padding: 1rem; border: 1px solid var(--lv-line); border-radius: 12px;
      color: var(--lv-text); background: var(--lv-ground); display: grid; gap: .75rem; }
    h2 { margin: 0; font-size: 1.05rem; } p { margin: 0; } .soft { color: var(--lv-soft); font-size: .9rem; }
    button, a.button { box-sizing: border-box; display: block; width: 100%; min-height: 44px; padding: .65rem 1rem;
      border: 1px solid transparent; border-radius: 8px; font: inherit; font-weight: 600; text-align: center;
      text-decoration: none; cursor: pointer; color: var(--lv-on-accent); background: var(--lv-accent); }
    button.second, a.second { color: var(--lv-accent); background: transparent; border-color: var(--lv-accent); }
    button:focus-visible, a:focus-visible { outline: 3px solid var(--lv-accent); outline-offset: 2px; }
    .code { background: #ffffff; border-radius: 8px; padding: 4px; max-width: 17rem; width: 100%;
      box-sizing: border-box; justify-self: center; aspect-ratio: 1; }
    .code svg { display: block; width: 100%; height: 100%; }
    .state { font-weight: 600; } .good { color: var(--lv-good); } .bad { color: var(--lv-bad); }
    .unsure { color: var(--lv-unsure); }
    .mark { display: inline-block; width: 1.2em; } [hidden] { display: none !important; }
    @media (prefers-reduced-motion: no-preference) { .busy .mark { animation: lv 1.2s linear infinite; }
      @keyframes lv { 50% { opacity: .25; } } }`;

  const TONES = {
    verified: ["good", "\u2713"], refused: ["bad", "\u2715"], undetermined: ["unsure", "?"], declined: ["unsure", "-"],
    expired: ["unsure", "-"], cancelled: ["unsure", "-"], failed: ["bad", "!"], notAllowed: ["bad", "!"],
  };

  const make = function (name, attributes, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };

  class Refusal extends Error {
    constructor(status, code) {
      super(code);
      this.status = status;
    }
  }

  class LanyardVerify extends HTMLElement {
    #root = this.attachShadow({ mode: "open" });
    #parts = null;
    #request = null; // {id, browser_session, …} of the request that is shown
    #run = 0; // which run is the present one; what earlier ones still hear is not shown
    #asking = null; // stops the browser's own dialogue, while it is open
    #timer = 0;

    connectedCallback() {
      if (!this.#parts) this.#build();
      this.#show("idle");
    }

    disconnectedCallback() {
      this.#run += 1;
      clearTimeout(this.#timer);
      if (this.#asking) this.#asking.abort();
    }

    /** How the request stands. */
    get state() {
      return this.dataset.state || "idle";
    }

    /** The request's identifier, for the page's own server. */
    get requestId() {
      return this.#request ? this.#request.id : null;
    }

    get #words() {
      const language = (this.closest("[lang]") || document.documentElement).lang || "en";
      return WORDS[language.slice(0, 2).toLowerCase()] || WORDS.en;
    }

    get #base() {
      const verifier = this.getAttribute("verifier") || HOME;
      return `${new URL(verifier, location.href).origin}/${encodeURIComponent(this.getAttribute("tenant") || "")}/browser`;
    }

    #build() {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      this.#root.adoptedStyleSheets = [sheet];
      const words = this.#words;
      const part = {
        title: make("h2", { part: "title" }),
        purpose: make("p", { class: "soft", part: "purpose" }),
        begin: make("button", { type: "button", part: "button" }, words.begin),
        ask: make("button", { type: "button", part: "button" }, words.ask),
        open: make("a", { class: "button", part: "button" }, words.open),
        other: make("button", { type: "button", class: "second", "aria-expanded": "false" }, words.other),
        scan: make("p", { class: "soft" }, words.scan),
        code: make("div", { class: "code", role: "img", "aria-label": words.code, part: "code" }),
        state: make("p", { class: "state", role: "status", "aria-live": "polite", part: "state" }),
        why: make("p", { class: "soft", part: "why" }),
        again: make("button", { type: "button", class: "second" }, words.again),
      };
      part.box = make("div", { class: "box", part: "box" },
        part.title, part.purpose, part.state, part.why, part.begin, part.ask, part.open, part.other, part.scan,
        part.code, part.again);
      this.#root.append(part.box);
      this.#parts = part;
      part.begin.addEventListener("click", () => this.start());
      part.again.addEventListener("click", () => this.start());
      part.ask.addEventListener("click", () => this.#askBrowser());
      part.other.addEventListener("click", () => {
        part.other.setAttribute("aria-expanded", "true");
        if (this.#asking) this.#asking.abort();
        else this.#layout();
        this.#drawCode(this.#run);
      });
    }

    /** Begins a request, and asks through the browser at once where that is possible. */
    async start() {
      const run = (this.#run += 1);
      clearTimeout(this.#timer);
      if (this.#asking) this.#asking.abort();
      this.#request = null;
      this.#parts.other.setAttribute("aria-expanded", "false");
      this.#show("starting");
      try {
        const request = await this.#begin();
        if (run !== this.#run) return;
        this.#request = request;
        this.#parts.title.textContent = request.title || "";
        this.#parts.purpose.textContent = request.purpose || "";
        this.#news(request);
        this.#follow(run);
        if (this.#requests.length > 0) {
          // the click that began it still counts: the browser may ask at once
          await this.#askBrowser();
        }
        this.#drawCode(run);
      } catch (error) {
        if (run === this.#run) this.#fail(error);
      }
    }

    async #begin() {
      const start = this.getAttribute("start");
      const preset = this.getAttribute("preset");
      if (!start) return this.#call("", { method: "POST", json: { preset } });
      const response = await fetch(new URL(start, location.href), { method: "POST", headers: { accept: "application/json" } });
      if (!response.ok) throw new Refusal(response.status, "start");
      const given = await response.json();
      this.#request = given;
      return { ...(await this.#call(`/${given.id}`)), ...given };
    }

    async #call(path, { method = "GET", json, accept = "application/json" } = {}) {
      const headers = { accept };
      if (this.#request) headers.authorization = `Bearer ${this.#request.browser_session}`;
      if (json) headers["content-type"] = "application/json";
      const response = await fetch(this.#base + path, {
        method, headers, body: json && JSON.stringify(json),
        credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer", redirect: "error",
      });
      const body = accept === "application/json" ? await response.json().catch(() => ({})) : await response.text();
      if (!response.ok) throw new Refusal(response.status, body.error || "");
      return body;
    }

    /** The requests that this browser can make. */
    get #requests() {
      const asked = this.#request && this.#request.dc_api;
      if (!asked || this.hasAttribute("no-dc-api") || !window.isSecureContext) return [];
      const credential = window.DigitalCredential;
      if (!credential || !navigator.credentials) return [];
      const can = credential.userAgentAllowsProtocol;
      return asked.requests.filter((one) => !can || can.call(credential, one.protocol));
    }

    async #askBrowser() {
      if (this.#asking) return;
      const run = this.#run;
      const asking = (this.#asking = new AbortController());
      this.#show("asking");
      let credential = null;
      try {
        const requests = this.#requests;
        credential = await navigator.credentials.get({ mediation: "required", digital: { requests }, signal: asking.signal });
      } catch {
        // no wallet, or the holder does not want to: the code and the link are still there
      } finally {
        this.#asking = null;
      }
      if (run !== this.#run) return;
      if (!credential) {
        this.#show("waiting");
        this.#drawCode(run);
        return;
      }
      this.#show("checking");
      try {
        const data = typeof credential.data === "string" ? JSON.parse(credential.data) : credential.data;
        const json = { protocol: credential.protocol, data };
        const reply = await this.#call(`/${this.#request.id}/dc-api`, { method: "POST", json });
        if (run === this.#run && reply.redirect_uri) {
          location.assign(reply.redirect_uri);
          return;
        }
      } catch (error) {
        if (!(error instanceof Refusal)) {
          if (run === this.#run) this.#fail(error);
          return;
        }
        // refused: how it stands now says why
      }
      await this.#look(run);
    }

    async #look(run, known) {
      const query = known ? `?known=${encodeURIComponent(known)}` : "";
      const view = await this.#call(`/${this.#request.id}${query}`);
      if (run !== this.#run) return;
      this.#request = { ...this.#request, ...view, link: view.link };
      this.#news(view);
    }

    /** Follows the request until it ends. */
    async #follow(run) {
      while (run === this.#run && this.#request.open) {
        try {
          await this.#look(run, this.#request.tag);
        } catch (error) {
          if (run !== this.#run) return;
          if (error instanceof Refusal && error.status === 404) {
            this.#show("expired");
            return;
          }
          await new Promise((done) => setTimeout(done, LOOK_AGAIN));
        }
      }
    }

    /** Draws the code of this moment, and again before it is of no use. */
    async #drawCode(run) {
      clearTimeout(this.#timer);
      if (run !== this.#run || !this.#request || !this.#request.open || this.#parts.code.hidden) return;
      let wait = LOOK_AGAIN;
      try {
        const [text, view] = await Promise.all([
          this.#call(`/${this.#request.id}/qr`, { accept: "image/svg+xml" }),
          this.#call(`/${this.#request.id}?known=`),
        ]);
        if (run !== this.#run) return;
        const picture = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
        if (picture.localName === "svg") this.#parts.code.replaceChildren(document.importNode(picture, true));
        if (view.link) this.#parts.open.href = view.link;
        const left = view.link_expires_at ? new Date(view.link_expires_at) - Date.now() : 60000;
        wait = Math.min(20000, Math.max(LOOK_AGAIN, left - 20000));
      } catch {
        // asked again soon; what happened is told by whoever follows the request
      }
      this.#timer = setTimeout(() => this.#drawCode(run), wait);
    }

    #news(view) {
      if (view.link) this.#parts.open.href = view.link;
      if (this.#asking && view.open && view.state === "waiting") return;
      const state = view.state === "waiting" && view.fetched ? "fetched" : view.state;
      this.#show(state, view);
    }

    #fail(error) {
      const forbidden = error instanceof Refusal && (error.status === 403 || error.status === 404);
      this.#show(forbidden ? "notAllowed" : "failed");
    }

    #show(state, view = {}) {
      const changed = this.dataset.state !== state;
      this.dataset.state = state;
      const words = this.#words;
      const part = this.#parts;
      const [tone, mark] = TONES[state] || ["busy", "\u25cf"];
      part.state.className = `state ${tone}`;
      part.state.hidden = state === "idle";
      if (changed || view.reason) {
        part.state.replaceChildren(make("span", { class: "mark", "aria-hidden": "true" }, mark), words[state] || "");
      }
      const retry = view.open && (state === "refused" || state === "undetermined");
      const detail = view.detail && `${view.detail[0].toUpperCase()}${view.detail.slice(1)}.`;
      const why = [detail, retry && words.retry].filter(Boolean).join(" ");
      part.why.textContent = why;
      part.why.hidden = !why;
      this.#layout();
      if (!changed) return;
      const told = { id: this.requestId, state, reason: view.reason || null };
      this.dispatchEvent(new CustomEvent("lanyard-state", { detail: told, bubbles: true, composed: true }));
    }

    /** What can be done now: only that is shown. */
    #layout() {
      const part = this.#parts;
      const open = Boolean(this.#request && this.#request.open);
      const idle = this.state === "idle";
      const quiet = open && !["asking", "checking", "responded", "starting"].includes(this.state);
      const canAsk = quiet && this.#requests.length > 0;
      // a touch screen is where the wallet is; a desk has none, and the browser's own dialogue knows both
      const phone = window.matchMedia("(pointer: coarse)").matches;
      const wanted = part.other.getAttribute("aria-expanded") === "true" || (!phone && !canAsk);
      part.title.hidden = part.title.textContent === "";
      part.purpose.hidden = part.purpose.textContent === "";
      part.begin.hidden = !idle;
      part.ask.hidden = !canAsk;
      part.open.hidden = !quiet || !phone;
      part.open.classList.toggle("second", canAsk);
      part.other.hidden = !(quiet || this.state === "asking") || wanted;
      part.scan.hidden = part.code.hidden = !quiet || !wanted;
      part.again.hidden = open || idle || ["starting", "verified"].includes(this.state);
    }
  }

  customElements.define("lanyard-verify", LanyardVerify);
})();
