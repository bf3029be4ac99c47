// Follows the list of operations without a reload. While a row is chosen or in use it stays where it is: rows
// change in place, newer ones wait.
import { line, localise, poll, say } from "./poll.js";

const list = () => document.getElementById("runs");
const boxes = () => [...list().querySelectorAll('input[name="run"]')];

function isInUse() {
  const selection = document.getSelection();
  const isSelecting = selection !== null && !selection.isCollapsed && list().contains(selection.anchorNode);
  return isSelecting || list().contains(document.activeElement) || boxes().some((box) => box.checked);
}

function replace(fresh) {
  list().replaceWith(fresh);
  localise(fresh);
  prepare();
  say("");
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
  say(`${newer} ${newer === 1 ? "operation has" : "operations have"} come since. `);
  line.append(show);
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
const zone = document.querySelector("[data-zone]");
if (zone !== null && zone.value === "") zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
prepare();
poll({
  address: () => line.dataset.followList + location.search,
  part: "runs",
  soonest: 2000,
  latest: 15000,
  refusals: { 401: "You are signed out. Sign in again to follow the list." },
  unread: "The list cannot be read just now.",
  take: (fresh) => (isInUse() ? changeInPlace(fresh) : replace(fresh)),
});
