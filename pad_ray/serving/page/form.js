// What is asked, and how.

import { byId, make } from "./dom.js";

const EXAMPLES = [
  ["Boxes of pens", "Tom has 3 boxes of 4 pens. He gives 5 away. How many pens are left?"],
  ["At the store", "At the store Leila buys 4 scarves for 12 dollars each and 8 dolls for 13 dollars each. How many dollars does Leila spend in all?"],
  ["Cupcakes", "Yusuf bakes 4 trays of cupcakes with 16 cupcakes on each tray. He sells 39 cupcakes and packs the rest into boxes of 5. How many boxes does Yusuf fill?"],
  ["Stickers", "Ivan has 11 stickers and gets 20 more stickers from Eric. Later he loses 9 stickers. How many stickers does Ivan have left?"],
];
const NUMBERS = ["beams", "candidates", "samples", "budget.steps", "budget.tokens", "budget.seconds"];
const TOKEN = "pad-ray-token";

/** Puts the example questions under the field; a click takes one. */
export function offerExamples() {
  const question = byId("question");
  for (const [name, text] of EXAMPLES) {
    const button = make("button", "chip", name);
    button.type = "button";
    button.title = text;
    button.addEventListener("click", () => {
      question.value = text;
      question.focus();
    });
    byId("examples").append(button);
  }
}

/** The body of a request; what is left empty is left to the server. */
export function request() {
  const asked = { question: byId("question").value };
  if (byId("decoder").value) asked.decoder = byId("decoder").value;
  for (const name of NUMBERS) {
    const { value } = byId(name);
    if (value === "") continue;
    const [first, second] = name.split(".");
    if (second) asked[first] = { ...asked[first], [second]: Number(value) };
    else asked[first] = Number(value);
  }
  return asked;
}

/** What differs from the server's own settings, in short. */
export function settingsInShort() {
  const decoder = byId("decoder").value;
  const set = NUMBERS.filter((name) => byId(name).value !== "");
  const numbers = set.map((name) => `${name.split(".").at(-1)} ${byId(name).value}`);
  return [decoder, ...numbers].filter(Boolean).join(" · ");
}

/** Sends the reader to the field that the server complains of. */
export function pointAt(param) {
  const field = param ? byId(param) : null;
  if (!field) return;
  if (byId("settings").contains(field)) byId("settings").open = true;
  field.setAttribute("aria-invalid", "true");
  field.addEventListener("input", () => field.removeAttribute("aria-invalid"), { once: true });
  field.focus();
}

/** The largest numbers that the server takes, from its own description. */
export async function readMaxima() {
  const response = await fetch("openapi.json");
  if (!response.ok) return;
  const { SolveRequest: whole, BudgetRequest: budget } = (await response.json()).components?.schemas ?? {};
  for (const name of NUMBERS) {
    const [first, second] = name.split(".");
    const property = second ? budget?.properties?.[second] : whole?.properties?.[first];
    const most = property?.anyOf?.find((one) => one.maximum)?.maximum;
    if (most) byId(name).max = most;
  }
}

export const token = () => byId("token").value.trim() || sessionStorage.getItem(TOKEN) || "";

/** Asks for a token; the one that was refused is forgotten. */
export function askForToken() {
  sessionStorage.removeItem(TOKEN);
  byId("token").value = "";
  byId("token-row").hidden = false;
}

/** Keeps the token for this tab, once the server took it. */
export function keepToken() {
  const value = byId("token").value.trim();
  if (value) sessionStorage.setItem(TOKEN, value);
  byId("token").value = "";
  byId("token-row").hidden = true;
}
