// Turns each <time> from UTC into the reader's own zone and keeps the UTC text on hover.
(() => {
  "use strict";
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

  function localise(root) {
    for (const element of root.querySelectorAll("time[datetime]:not([title])")) {
      const at = new Date(element.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      element.title = element.textContent;
      element.textContent = format.format(at);
    }
  }

  localise(document);
  document.addEventListener("page:replaced", (event) => localise(event.target));
})();
