// What a page does with the outcome: it tells its server the identifier, and its server asks the verifier
// with an API key (GET /api/demo/requests/{id}). What a page says about itself proves nothing.
"use strict";
document.addEventListener("lanyard-state", function (event) {
  const { id, state } = event.detail;
  if (state === "verified") document.getElementById("outcome").textContent = `Ask the verifier about ${id}`;
});
