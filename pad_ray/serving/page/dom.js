// Elements whose text is only ever text: what a model or a person wrote is never parsed as markup.

/** An element with a class and a text; more children may follow. */
export function make(tag, className = "", text = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  element.append(...children);
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Shows an element with a text, or hides it where there is none. */
export function tell(element, text) {
  element.textContent = text;
  element.hidden = !text;
}
