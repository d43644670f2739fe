// The answer: large, with how it was come to, and the program to copy.

import { make } from "./dom.js";
import { counted, seconds, stoppedBy, verdictOf } from "./words.js";

/** Fills an element with an answer. */
export function showAnswer(place, answer) {
  const value = answer.answer ?? "";
  const figure = make("p", value.length > 24 ? "value-long" : "value-large", answer.ran ? value : "No answer");
  place.replaceChildren(figure, facts(answer), ...notes(answer), program(answer));
  place.classList.toggle("none", !answer.ran);
}

/** The answer as a sentence that is read aloud. */
export const spoken = (answer) => (answer.ran ? `Answer: ${answer.answer}` : `No answer. ${verdictOf(answer)}`);

function facts(answer) {
  const tokens = `${counted(answer.completion_tokens, "token")} written`;
  const died = Object.values(answer.deaths ?? {}).reduce((sum, count) => sum + count, 0);
  const parts = [make("span", answer.ran ? "verdict ok" : "verdict", verdictOf(answer)), seconds(answer.seconds), tokens];
  if (answer.branches.length) parts.push(`${counted(answer.branches.length, "branch", "branches")}, ${died} died`);
  const line = make("p", "facts");
  parts.forEach((part, place) => line.append(...(place ? [" · ", part] : [part])));
  return line;
}

function notes(answer) {
  const found = [];
  if (stoppedBy(answer.stopped)) found.push(stoppedBy(answer.stopped));
  const tried = answer.attempts?.length ?? 0;
  if (tried) found.push(`${counted(tried, "program")} before this one ended in an exception and was asked for again.`);
  return found.map((text) => make("p", "note", text));
}

function program(answer) {
  if (!answer.program) return make("p", "note", "No program was written.");
  const copy = make("button", "quiet small", "Copy");
  copy.type = "button";
  const code = make("code", "", answer.program.trimEnd());
  const shown = make("pre", "", "", code);
  shown.tabIndex = 0;
  shown.setAttribute("role", "region");
  shown.setAttribute("aria-label", "Program");
  copy.addEventListener("click", () => copied(copy, code, answer.program));
  return make("div", "program", "", make("div", "bar-of-title", "", make("h3", "", title(answer)), copy), shown);
}

const title = (answer) => (answer.ran ? "Its program" : "The best program that there was");

/** Copies; where the browser forbids it, the program is marked, so that the keyboard can. */
async function copied(button, code, text) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(code);
    button.textContent = "Marked: press Ctrl C";
  }
}
