// The branches of one search, and the order in which they are shown.

const DEAD = new Set(["broken", "merged", "outscored", "ended", "too_long"]);

export const isDead = (branch) => DEAD.has(branch.fate);

export class SearchTree {
  #branches = new Map();
  #children = new Map();
  #live = new Set();

  /** Takes in a step's branches; `live` are the beams that are still written. */
  grow(branches, live) {
    this.#live = new Set(live);
    for (const branch of branches) this.#put(branch);
  }

  /** Takes in the whole tree at the end. */
  settle(branches) {
    this.#live = new Set();
    for (const branch of branches) this.#put(branch);
  }

  #put(branch) {
    if (!this.#branches.has(branch.id)) {
      const siblings = this.#children.get(branch.parent) ?? [];
      this.#children.set(branch.parent, [...siblings, branch.id]);
    }
    this.#branches.set(branch.id, branch);
  }

  get size() {
    return this.#branches.size;
  }

  branch(id) {
    return this.#branches.get(id);
  }

  children(id) {
    return this.#children.get(id) ?? [];
  }

  /** The ids from the first statement to a branch. */
  path(id) {
    const path = [];
    for (let at = this.#branches.get(id); at; at = this.#branches.get(at.parent)) path.unshift(at.id);
    return path;
  }

  /** The path of the best beam that is still written. */
  leading() {
    const live = [...this.#live].map((id) => this.#branches.get(id)).filter(Boolean);
    live.sort((one, other) => other.score - one.score || one.id - other.id);
    return live.length ? this.path(live[0].id) : [];
  }

  /** Ids that are on the way to a live beam or to a finished program. */
  alive() {
    const ends = [...this.#live, ...[...this.#branches.values()].filter((one) => one.fate === "finished").map((one) => one.id)];
    return new Set(ends.flatMap((id) => this.path(id)));
  }

  /** The variables that a statement bound or changed: name and value as text. */
  bound(branch) {
    const before = this.#branches.get(branch.parent)?.values ?? {};
    return Object.entries(branch.values ?? {}).filter(([name, value]) => before[name] !== value);
  }

  /**
   * All branches, from the top: `{branch, side}`. The trunk goes straight down; what branches off stands before the
   * trunk goes on, one `side` further in, so a long program is not a long stair.
   */
  rows(trunk) {
    const main = new Set(trunk);
    const rows = [];
    const walk = (ids, side) => {
      const on = this.#goesOn(ids, main);
      for (const id of ids) if (id !== on) this.#row(rows, walk, id, side + 1);
      if (on !== undefined) this.#row(rows, walk, on, side);
    };
    walk(this.children(0), 0);
    return rows;
  }

  #row(rows, walk, id, side) {
    rows.push({ branch: this.#branches.get(id), side });
    walk(this.children(id), side);
  }

  #goesOn(ids, main) {
    const inMain = ids.find((id) => main.has(id));
    if (inMain !== undefined) return inMain;
    const kept = ids.filter((id) => !isDead(this.#branches.get(id)));
    return kept.length === 1 ? kept[0] : undefined;
  }
}
