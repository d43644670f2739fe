// What the page says, in plain words.

const STOPPED = {
  no_beams: "No branch could go on, and none had come to an answer.",
  steps: "The budget of statements was spent.",
  tokens: "The budget of tokens was spent.",
  seconds: "The time was over.",
};

const FATES = {
  outscored: "outscored",
  ended: "ended without an answer",
  too_long: "too long for one statement",
};

const REFUSALS = {
  401: "The server asks for a bearer token.",
  403: "The server does not allow this.",
  404: "There is no such address on this server. Is it a pad-ray server?",
  413: "The question is too long for this server.",
};

const CODES = {
  decoder_lost: "The process that worked on this question died, and no other one took over. Ask once more.",
  overloaded: "The server has as much to do as it can take. Ask again in a moment.",
  not_ready: "The model is still being loaded. Ask again in a moment.",
};

/** What a branch died of; nothing where it lives. `into` is the statement of the branch that it was merged into. */
export function fateOf(branch, into = "") {
  if (branch.fate === "broken") return branch.died_of || "cannot run";
  if (branch.fate === "merged") return into ? `same state as ${into}` : "same state as another";
  return FATES[branch.fate] ?? "";
}

const STEPS = "Each line is a statement that the model proposed: its score, and the values that it bound.";
const WHOLE = "Each is a whole program that the model wrote, with its score.";

/** What the lines of a tree are. */
export const treeOf = (stepwise) => `${stepwise ? STEPS : WHOLE} Arrow keys walk the tree.`;

export const stoppedBy = (reason) => STOPPED[reason] ?? "";

/** A failure as a sentence. */
export function failure(error) {
  if (error.name === "Refused") {
    const plain = CODES[error.code] ?? REFUSALS[error.status];
    return plain ?? sentence(error.message);
  }
  if (error instanceof TypeError) return "The server cannot be reached. Is it running?";
  return sentence(String(error.message || error));
}

const sentence = (text) => (/[.!?…]$/.test(text) ? text : `${text}.`);

/** A number of nats, with a true minus sign. */
export const nats = (value) => (Number.isFinite(value) ? value.toFixed(2).replace("-", "−") : "−∞");

export const seconds = (value) => (value < 10 ? `${value.toFixed(1)} s` : `${Math.round(value)} s`);

export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** How the last run of the whole program ended. */
export function verdictOf(answer) {
  if (answer.ran) return answer.verdict === "ok" ? "ran to its end" : answer.verdict.replaceAll("_", " ");
  const verdict = answer.verdict && answer.verdict !== "ok" ? answer.verdict.replaceAll("_", " ") : "no answer";
  return answer.message ? `${verdict}: ${answer.message}` : verdict;
}
