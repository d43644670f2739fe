// The page: sends a question, shows its search growing, and the answer.

import { showAnswer, spoken } from "./answer_view.js";
import { byId, tell } from "./dom.js";
import * as form from "./form.js";
import { modelName, solve } from "./stream.js";
import { TreeView } from "./tree_view.js";
import { counted, failure, seconds, treeOf } from "./words.js";

const TRIES = 5; // of a question that is turned away because there is too much to do
const tree = new TreeView(byId("tree"));
let going = null; // AbortController of the search that is going on
let attempt = 0;

async function start() {
  going?.abort();
  const mine = (going = new AbortController());
  begin();
  try {
    await patiently(form.request(), mine.signal);
  } catch (error) {
    if (mine === going) end(mine.signal.aborted ? "Cancelled." : await refused(error));
  } finally {
    if (mine === going) rest();
  }
}

/** Asks, and asks again after the time that a busy server names. */
async function patiently(request, signal) {
  for (let tried = 1; ; tried++) {
    try {
      return await search(request, signal);
    } catch (error) {
      if (error.status !== 503 || tried === TRIES) throw error;
      await wait(error.retryAfter || 2, failure(error).split(". ")[0], signal);
    }
  }
}

async function search(request, signal) {
  progress("Waiting for the first statement…");
  for await (const event of solve(request, form.token(), signal)) {
    form.keepToken();
    if (event.type === "step") grew(event.data);
    if (event.type === "answer") answered(event.data);
  }
}

/** Counts down to the next try. */
async function wait(length, why, signal) {
  byId("status").textContent = `${why}. The question is asked again in ${length} seconds.`;
  for (let left = length; left > 0; left--) {
    progress(`${why}. Asks again in ${left} s.`);
    await new Promise((resolve, reject) => {
      const stop = () => reject(signal.reason);
      if (signal.aborted) stop();
      signal.addEventListener("abort", stop, { once: true });
      setTimeout(resolve, 1000);
    });
  }
}

function begin() {
  attempt = 0;
  tree.clear();
  tell(byId("notice"), "");
  tell(byId("attempt"), "");
  tell(byId("opening"), "");
  tell(byId("tree-how"), treeOf(true));
  byId("search").hidden = true;
  byId("answer").hidden = true;
  byId("result").hidden = false;
  byId("status").textContent = "Searching.";
  byId("cancel").disabled = false;
  document.body.classList.add("searching");
}

function grew(step) {
  if (step.attempt !== attempt) {
    attempt = step.attempt;
    tree.clear();
    tell(byId("attempt"), `The program before ended in an exception. This is the tree of repair ${attempt}.`);
  }
  byId("search").hidden = false;
  tell(byId("opening"), step.shared.trimStart().split("\n")[0]);
  tree.grow(step);
  const beams = `${counted(step.live.length, "beam")} alive`;
  const tokens = counted(step.completion_tokens, "token");
  progress(`Statement ${step.depth} · ${beams} · ${tokens} · ${seconds(step.seconds)}`);
}

function answered(answer) {
  if ((answer.attempts?.length ?? 0) !== attempt) tree.clear(); // the last program's tree was never told
  if (answer.branches.length) {
    byId("search").hidden = false;
    tell(byId("tree-how"), treeOf(answer.lines.length > 0 || tree.size > 0));
    tree.settle(answer);
  }
  tell(byId("progress"), "");
  showAnswer(byId("answer"), answer);
  byId("answer").hidden = false;
  byId("status").textContent = spoken(answer);
}

/** What a failure is called; it may put the reader where it can be mended. */
async function refused(error) {
  if (error.status === 401) {
    form.askForToken();
    byId("token").focus();
  }
  form.pointAt(error.param);
  return failure(error);
}

function end(text) {
  tell(byId("progress"), "");
  byId("status").textContent = "";
  byId("result").hidden = true;
  tell(byId("notice"), text);
}

function rest() {
  going = null;
  byId("cancel").disabled = true;
  document.body.classList.remove("searching");
}

const progress = (text) => tell(byId("progress"), text);

async function greet() {
  try {
    tell(byId("model"), await modelName(form.token()));
  } catch (error) {
    if (error.status === 401) form.askForToken();
  }
}

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  start();
});
byId("cancel").addEventListener("click", () => going?.abort());
byId("ask").addEventListener("input", () => tell(byId("settings-sum"), form.settingsInShort()));
byId("dead").addEventListener("click", () => {
  const hide = byId("dead").getAttribute("aria-pressed") !== "true";
  byId("dead").setAttribute("aria-pressed", hide);
  byId("tree").classList.toggle("without-dead", hide);
  tree.refresh();
});
addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && byId("ask").contains(event.target)) {
    event.preventDefault();
    byId("ask").requestSubmit();
  }
  if (event.key === "Escape") going?.abort();
});

form.offerExamples();
form.readMaxima().catch(() => {});
greet();
