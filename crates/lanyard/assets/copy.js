// Copy buttons, and a tick for screen readers and eyes alike when it worked.
"use strict";
(function () {
  document.documentElement.classList.add("js");
  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    const label = button.querySelector("[data-label]") || button;
    const before = label.textContent;
    const done = function (text) {
      label.textContent = text;
      setTimeout(function () { label.textContent = before; }, 1600);
    };
    if (!navigator.clipboard) {
      field.select();
      done(document.execCommand("copy") ? "Copied" : "Press Ctrl+C");
      return;
    }
    navigator.clipboard.writeText(field.value).then(
      function () { done("Copied"); },
      function () { field.select(); done("Press Ctrl+C"); },
    );
  });
})();
