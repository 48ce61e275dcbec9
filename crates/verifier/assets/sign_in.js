// Asks every second whether the wallet has answered, and goes on as soon as it has.
"use strict";
(function () {
  const line = document.getElementById("state");
  async function look() {
    let said;
    try {
      const answer = await fetch(location.pathname + "/state", { headers: { accept: "application/json" } });
      said = await answer.json();
    } catch {
      return setTimeout(look, 3000);
    }
    if (said.state !== "waiting") return location.replace(location.pathname);
    if (said.was_refused) {
      line.textContent = "That was not accepted. You can try again with another credential.";
      line.className = "problem";
    }
    setTimeout(look, 1000);
  }
  setTimeout(look, 1000);
})();
