// Live pages: replaces the element named by data-live with what the server renders for it.
// Without this script the same page shows the state of the moment it was loaded.
"use strict";
(function () {
  for (const region of document.querySelectorAll("[data-live]")) {
    const source = new EventSource(region.dataset.live);
    source.addEventListener("state", function (event) {
      const parsed = new DOMParser().parseFromString(event.data, "text/html");
      region.replaceChildren(...parsed.body.childNodes);
    });
    source.addEventListener("goto", function (event) {
      source.close();
      window.location.assign(event.data);
    });
    source.addEventListener("end", function () {
      source.close();
      document.documentElement.classList.add("ended");
    });
  }
})();
