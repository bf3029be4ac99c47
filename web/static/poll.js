// Asks for the part of a page that changes: slower while nothing does, and not at all while nobody looks.
// What the reader has to know of it stands in a line of its own.
export const line = document.querySelector(".follow");

export function say(text, isTrouble = false) {
  if (line.textContent !== text) line.textContent = text;
  line.classList.toggle("trouble", isTrouble);
}

// Has the times of what is new on the page worded as those that were there.
export function localise(element) {
  element.dispatchEvent(new Event("page:replaced", { bubbles: true }));
}

// `part` is the id of what is asked for, and `take` gets it anew. `refusals` are the statuses that end the
// asking, each with what to say then; `unread` is said while the server does not answer.
export function poll({ address, part, soonest, latest, refusals, unread, take, unchanged, isOver }) {
  let wait = soonest;
  let etag = null;
  let timer = null;

  async function ask() {
    const headers = etag === null ? {} : { "If-None-Match": etag };
    const answer = await fetch(address(), { headers, cache: "no-store" });
    if (answer.status in refusals) return stop(refusals[answer.status]);
    if (answer.status === 304) slower(answer);
    else await change(answer);
    if (line.classList.contains("trouble")) say("");
  }

  async function change(answer) {
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part);
    if (fresh === null) throw new Error(`no ${part}`);
    etag = answer.headers.get("ETag");
    take(fresh);
    wait = soonest;
  }

  function stop(text) {
    say(text, true);
    wait = null;
  }

  function slower(answer) {
    unchanged?.(answer);
    wait = Math.min(wait * 1.5, latest);
  }

  async function follow() {
    timer = null;
    try {
      await ask();
    } catch {
      say(`${unread} What you see may be out of date; trying again.`, true);
      wait = Math.min(wait * 2, latest);
    }
    plan();
  }

  function plan() {
    if (timer !== null || wait === null || document.hidden || isOver?.()) return;
    timer = setTimeout(follow, wait);
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      clearTimeout(timer);
      timer = null;
    } else if (wait !== null) {
      wait = soonest;
      plan();
    }
  });
  plan();
}
