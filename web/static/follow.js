// Follows a run until it is completed.
import { line, localise, poll, say } from "./poll.js";

const run = () => document.getElementById("run");

function replace(fresh) {
  const opened = [...run().querySelectorAll("details[open]")].map((element) => element.id);
  const before = run().dataset.headline;
  const focused = run().contains(document.activeElement) ? document.activeElement.id : "";
  run().replaceWith(fresh);
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  if (focused !== "") document.getElementById(focused)?.focus({ preventScroll: true });
  document.title = fresh.dataset.title;
  localise(fresh);
  say(fresh.dataset.headline === before ? "" : fresh.dataset.headline);
}

// Nothing new, and yet it was looked at again: the page says how long ago that was.
function tellChecked(answer) {
  const moments = { page: answer.headers.get("Date"), engine: answer.headers.get("Engine-Checked-At") };
  for (const element of run().querySelectorAll("time[data-checked]")) {
    const at = new Date(moments[element.dataset.checked] ?? "");
    if (!Number.isNaN(at.getTime())) element.dateTime = at.toISOString();
  }
  document.dispatchEvent(new Event("page:checked"));
}

poll({
  address: () => line.dataset.follow,
  part: "run",
  soonest: 1000,
  latest: 10000,
  refusals: {
    401: "You are signed out. Sign in again to follow this operation.",
    404: "This operation can no longer be seen.",
  },
  unread: "The server cannot be reached.",
  take: replace,
  unchanged: tellChecked,
  isOver: () => run().dataset.completed === "true",
});
