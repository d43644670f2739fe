// The tree on the page: an ARIA tree, one line a branch, walked by arrow keys.

import { make } from "./dom.js";
import { isDead, SearchTree } from "./tree.js";
import { fateOf, nats } from "./words.js";

export class TreeView {
  #tree = new SearchTree();
  #items = new Map();
  #folded = new Set();
  #chosen = 0;

  /** @param list the element with role `tree`. */
  constructor(list) {
    this.list = list;
    list.addEventListener("keydown", (event) => this.#key(event));
    list.addEventListener("click", (event) => this.#click(event));
  }

  clear() {
    this.#tree = new SearchTree();
    this.#items.clear();
    this.#folded.clear();
    this.#chosen = 0;
    this.list.replaceChildren();
  }

  get size() {
    return this.#tree.size;
  }

  /** One more step of the search. */
  grow(event) {
    this.#tree.grow(event.branches, event.live);
    this.#draw(this.#tree.leading());
  }

  /** The search is over: the way to the chosen branch is lit. */
  settle(answer) {
    this.#chosen = answer.chosen;
    this.#tree.settle(answer.branches);
    this.#draw(this.#tree.path(answer.chosen), answer.ran);
  }

  #draw(trunk, lit = false) {
    const leading = new Set(trunk);
    const alive = this.#chosen ? leading : this.#tree.alive();
    const rows = this.#tree.rows(trunk).map(({ branch, side }) => {
      const item = this.#item(branch);
      this.#dress(item, branch, side);
      const chosen = this.#chosen > 0 && lit && leading.has(branch.id);
      item.classList.toggle("chosen", chosen);
      if (chosen) item.setAttribute("aria-current", "true");
      item.classList.toggle("leading", !this.#chosen && leading.has(branch.id));
      item.classList.toggle("left", !isDead(branch) && !alive.has(branch.id));
      return item;
    });
    this.#arrange(rows);
    this.#fold();
    this.#oneTabStop();
  }

  #item(branch) {
    let item = this.#items.get(branch.id);
    if (!item) {
      item = make("li", "branch");
      item.setAttribute("role", "treeitem");
      item.tabIndex = -1;
      item.dataset.id = branch.id;
      this.#items.set(branch.id, item);
    }
    return item;
  }

  #dress(item, branch, side) {
    const siblings = this.#tree.children(branch.parent);
    const parts = { level: branch.depth, setsize: siblings.length, posinset: siblings.indexOf(branch.id) + 1 };
    for (const [name, value] of Object.entries(parts)) item.setAttribute(`aria-${name}`, value);
    if (this.#tree.children(branch.id).length) item.setAttribute("aria-expanded", !this.#folded.has(branch.id));
    item.style.setProperty("--side", side);
    const spelt = JSON.stringify(branch);
    if (item.spelt === spelt) return;
    item.spelt = spelt;
    item.classList.toggle("dead", isDead(branch));
    item.classList.toggle("finished", branch.fate === "finished");
    item.replaceChildren(...this.#parts(branch));
  }

  #parts(branch) {
    const parts = [make("span", "mark"), make("code", "step", dedented(branch.step))];
    if (isDead(branch)) {
      const fate = make("span", "fate", fateOf(branch, this.#stepOf(branch.into)));
      if (branch.message) fate.title = branch.message;
      parts.push(fate);
    } else {
      const values = this.#tree.bound(branch).map(([name, value]) => valueOf(name, value));
      if (branch.fate === "finished") values.push(valueOf("return", branch.value));
      if (values.length) parts.push(make("span", "values", "", ...values));
    }
    return [...parts, scores(branch)];
  }

  #stepOf(id) {
    const branch = this.#tree.branch(id);
    return branch ? dedented(branch.step).replaceAll(/\s+/g, " ") : "";
  }

  /** Puts the lines in order; one that stands right is not moved, so that focus and animation stay. */
  #arrange(rows) {
    let at = this.list.firstElementChild;
    for (const row of rows) {
      if (row === at) at = at.nextElementSibling;
      else this.list.insertBefore(row, at);
    }
  }

  #fold() {
    for (const [id, item] of this.#items) {
      const above = this.#tree.path(id).slice(0, -1);
      item.hidden = above.some((one) => this.#folded.has(one));
    }
  }

  // The keyboard: https://www.w3.org/WAI/ARIA/apg/patterns/treeview/

  #key(event) {
    const item = event.target.closest("[role=treeitem]");
    if (!item || event.ctrlKey || event.altKey || event.metaKey) return;
    const shown = this.#shown();
    const place = shown.indexOf(item);
    const moves = {
      ArrowDown: () => this.#focus(shown[place + 1]),
      ArrowUp: () => this.#focus(shown[place - 1]),
      Home: () => this.#focus(shown[0]),
      End: () => this.#focus(shown.at(-1)),
      ArrowRight: () => (this.#isFolded(item) ? this.#turn(item) : this.#focus(this.#firstChild(item, shown))),
      ArrowLeft: () => (this.#isOpen(item) ? this.#turn(item) : this.#focus(this.#parent(item))),
      Enter: () => this.#turn(item),
      " ": () => this.#turn(item),
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
  }

  #click(event) {
    const item = event.target.closest("[role=treeitem]");
    if (!item || getSelection()?.type === "Range") return;
    this.#focus(item);
    if (event.target.classList.contains("mark")) this.#turn(item);
  }

  #shown() {
    return [...this.list.children].filter((item) => item.getClientRects().length);
  }

  #isFolded = (item) => item.getAttribute("aria-expanded") === "false";
  #isOpen = (item) => item.getAttribute("aria-expanded") === "true";
  #parent = (item) => this.#items.get(this.#tree.branch(Number(item.dataset.id)).parent);

  #firstChild(item, shown) {
    const children = new Set(this.#tree.children(Number(item.dataset.id)));
    return shown.find((one) => children.has(Number(one.dataset.id)));
  }

  #turn(item) {
    if (!item.hasAttribute("aria-expanded")) return;
    const id = Number(item.dataset.id);
    if (!this.#folded.delete(id)) this.#folded.add(id);
    item.setAttribute("aria-expanded", !this.#folded.has(id));
    this.#fold();
  }

  #focus(item) {
    if (!item) return;
    for (const one of this.#items.values()) one.tabIndex = -1;
    item.tabIndex = 0;
    item.focus();
  }

  /** One line can be reached by Tab: the one that was last in focus, else the first that is shown. */
  #oneTabStop() {
    const items = this.#shown();
    if (items.some((item) => item.tabIndex === 0)) return;
    for (const item of this.#items.values()) item.tabIndex = -1;
    if (items.length) items[0].tabIndex = 0;
  }

  /** To be called when lines were hidden or shown from outside. */
  refresh() {
    this.#oneTabStop();
  }
}

const valueOf = (name, value) => make("span", "value", "", make("span", "name", name), make("span", "is", ` ${value ?? ""}`));

function scores(branch) {
  const parts = [`ln p ${nats(branch.logprob)}`];
  for (const [name, value] of Object.entries(branch.scores ?? {})) parts.push(`${name} ${nats(value)}`);
  const detail = make("span", "detail", "", ...parts.map((part) => make("span", "", part)));
  const score = make("span", "score", "", detail);
  // What died unscored has a score of 0, which says nothing.
  if (!isDead(branch) || branch.fate === "outscored") score.prepend(make("span", "total", nats(branch.score)), " ");
  return score;
}

/** A statement without the indentation that all its lines share, and without breaks around it. */
function dedented(text) {
  const lines = String(text).replace(/^\s*\n|\s+$/g, "").split("\n");
  const filled = lines.filter((line) => line.trim());
  const margin = Math.min(...filled.map((line) => line.search(/\S/)));
  return filled.length ? lines.map((line) => line.slice(margin)).join("\n") : "(the text ends)";
}
