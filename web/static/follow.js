// Follows a run until it is completed: asks for its fragment, slower while nothing changes, not at all
// while nobody looks, and says so when the server cannot be reached.
(() => {
  "use strict";
  const SOONEST = 1000;
  const LATEST = 10000;
  const status = document.querySelector("[data-follow]");
  let wait = SOONEST;
  let etag = null;
  let timer = null;

  const run = () => document.getElementById("run");
  const isCompleted = () => run().dataset.completed === "true";

  function say(text, isTrouble) {
    if (status.textContent !== text) status.textContent = text;
    status.classList.toggle("trouble", isTrouble);
  }

  function replace(html) {
    const opened = [...run().querySelectorAll("details[open]")].map((element) => element.id);
    const before = run().dataset.headline;
    const focused = run().contains(document.activeElement) ? document.activeElement.id : "";
    const parsed = new DOMParser().parseFromString(html, "text/html").getElementById("run");
    if (parsed === null) throw new Error("not a run");
    run().replaceWith(parsed);
    for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
    if (focused !== "") document.getElementById(focused)?.focus({ preventScroll: true });
    document.title = parsed.dataset.title;
    parsed.dispatchEvent(new Event("page:replaced", { bubbles: true }));
    say(parsed.dataset.headline === before ? "" : parsed.dataset.headline, false);
  }

  async function ask() {
    const headers = etag === null ? {} : { "If-None-Match": etag };
    const answer = await fetch(status.dataset.follow, { headers, cache: "no-store" });
    if (answer.status === 401) return stop("You are signed out. Sign in again to follow this operation.");
    if (answer.status === 404) return stop("This operation can no longer be seen.");
    if (answer.status === 304) return unchanged(answer);
    if (!answer.ok) throw new Error(String(answer.status));
    etag = answer.headers.get("ETag");
    replace(await answer.text());
    wait = SOONEST;
  }

  // Nothing new, and yet it was looked at again: the page says how long ago that was.
  function unchanged(answer) {
    const moments = { page: answer.headers.get("Date"), engine: answer.headers.get("Engine-Checked-At") };
    for (const element of run().querySelectorAll("time[data-checked]")) {
      const at = new Date(moments[element.dataset.checked] ?? "");
      if (!Number.isNaN(at.getTime())) element.dateTime = at.toISOString();
    }
    document.dispatchEvent(new Event("page:checked"));
    if (status.classList.contains("trouble")) say("", false);
    wait = Math.min(wait * 1.5, LATEST);
  }

  function stop(text) {
    say(text, true);
    wait = null;
  }

  async function follow() {
    timer = null;
    try {
      await ask();
    } catch {
      say("The server cannot be reached. What you see may be out of date; trying again.", true);
      wait = Math.min(wait * 2, LATEST);
    }
    plan();
  }

  function plan() {
    if (timer !== null || wait === null || document.hidden || isCompleted()) return;
    timer = setTimeout(follow, wait);
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      clearTimeout(timer);
      timer = null;
    } else if (wait !== null) {
      wait = SOONEST;
      plan();
    }
  });
  plan();
})();
