// Follows the list of operations without a reload: slower while nothing changes, and not at all while nobody
// looks. While a row is chosen or in use it stays where it is: rows change in place, newer ones wait.
(() => {
  "use strict";
  const SOONEST = 2000;
  const LATEST = 15000;
  const status = document.querySelector("[data-follow-list]");
  let wait = SOONEST;
  let etag = null;
  let timer = null;

  const list = () => document.getElementById("runs");
  const boxes = () => [...list().querySelectorAll('input[name="run"]')];

  function say(text, isTrouble) {
    status.replaceChildren(text);
    status.classList.toggle("trouble", isTrouble);
  }

  function isInUse() {
    const selection = document.getSelection();
    const isSelecting = selection !== null && !selection.isCollapsed && list().contains(selection.anchorNode);
    return isSelecting || list().contains(document.activeElement) || boxes().some((box) => box.checked);
  }

  function localise(element) {
    element.dispatchEvent(new Event("page:replaced", { bubbles: true }));
  }

  function replace(fresh) {
    list().replaceWith(fresh);
    localise(fresh);
    prepare();
    say("", false);
  }

  // Leaves the cell with the check box alone, and the row that the reader is in.
  function changeRow(row, fresh) {
    if (row.contains(document.activeElement)) return;
    const [ours, theirs] = [row, fresh].map((each) => [...each.cells].filter((cell) => !cell.matches(".mark")));
    ours.forEach((cell, place) => cell.replaceWith(theirs[place]));
    localise(row);
  }

  function changeInPlace(fresh) {
    let newer = 0;
    for (const row of fresh.querySelectorAll("tbody tr[id]")) {
      const known = document.getElementById(row.id);
      if (known === null) newer += 1;
      else changeRow(known, row);
    }
    if (newer > 0) offer(newer, fresh);
  }

  function offer(newer, fresh) {
    const show = document.createElement("button");
    show.type = "button";
    show.className = "plain";
    show.textContent = "Show the list as it is now";
    show.addEventListener("click", () => replace(fresh.cloneNode(true)));
    say(`${newer} ${newer === 1 ? "operation has" : "operations have"} come since. `, false);
    status.append(show);
  }

  async function ask() {
    const headers = etag === null ? {} : { "If-None-Match": etag };
    const answer = await fetch(status.dataset.followList + location.search, { headers, cache: "no-store" });
    if (answer.status === 401) return stop("You are signed out. Sign in again to follow the list.");
    if (answer.status === 304) return slower();
    if (!answer.ok) throw new Error(String(answer.status));
    const isFirst = etag === null;
    const html = await answer.text();
    const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("runs");
    if (fresh === null) throw new Error("not a list");
    etag = answer.headers.get("ETag");
    if (isInUse()) changeInPlace(fresh);
    else replace(fresh);
    if (!isFirst) wait = SOONEST;
  }

  function slower() {
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
      say("The list cannot be read just now. What you see may be out of date; trying again.", true);
      wait = Math.min(wait * 2, LATEST);
    }
    plan();
  }

  function plan() {
    if (timer !== null || wait === null || document.hidden) return;
    timer = setTimeout(follow, wait);
  }

  function tell() {
    const chosen = boxes().filter((box) => box.checked).length;
    const told = list().querySelector("[data-chosen]");
    if (told === null) return;
    told.textContent = chosen === 0 ? "Choose operations to act on several at once." : `${chosen} chosen`;
    for (const button of list().querySelectorAll('button[form="chosen"]')) button.disabled = chosen === 0;
  }

  function prepare() {
    const every = list().querySelector("[data-all]");
    if (every !== null) every.hidden = false;
    tell();
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-all]")) for (const box of boxes()) box.checked = event.target.checked;
    if (list().contains(event.target)) tell();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      clearTimeout(timer);
      timer = null;
    } else if (wait !== null) {
      wait = SOONEST;
      plan();
    }
  });
  const zone = document.querySelector("[data-zone]");
  if (zone !== null && zone.value === "") zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
  prepare();
  plan();
})();
