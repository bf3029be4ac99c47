// Turns each <time> from UTC into the reader's own zone and keeps the UTC text on hover. A check is told by
// its age, and what still goes on by how long it has, both once a second.
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
    tick();
  }

  function length(milliseconds) {
    const seconds = Math.max(Math.floor(milliseconds / 1000), 0);
    if (seconds < 60) return `${seconds} s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
    const hours = Math.floor(minutes / 60);
    return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
  }

  function tell(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  function tick() {
    const now = Date.now();
    for (const element of document.querySelectorAll("time[data-checked]")) {
      const age = now - new Date(element.dateTime).getTime();
      tell(element, age < 2000 ? "just now" : `${length(age)} ago`);
    }
    for (const element of document.querySelectorAll("[data-since]")) {
      tell(element, length(now - new Date(element.dataset.since).getTime()));
    }
  }

  localise(document);
  document.addEventListener("page:replaced", (event) => localise(event.target));
  document.addEventListener("page:checked", tick);
  setInterval(() => {
    if (!document.hidden) tick();
  }, 1000);
})();
