// The form of an offer: whoever logs in types in no transaction code. Without this script the server knows as well.
"use strict";
(function () {
  const form = document.querySelector("[data-offer-form]");
  if (!form || !form.elements.login) return;
  const settle = function () {
    form.elements.tx_code.disabled = form.elements.login.checked;
  };
  form.elements.login.addEventListener("change", settle);
  settle();
})();
