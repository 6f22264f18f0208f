// Dialogs and forms: problems are shown where they arise, and a button cannot be pressed twice.

import { RequestError } from "./api.js";
import { make, showText } from "./dom.js";

/**
 * Carries out what a form asks for; its buttons are off meanwhile. A choice of `onRefusal` appears once the server's
 * checks have refused it.
 * @param {HTMLFormElement} form
 * @param {Element} problem where the text of an error is shown
 * @param {function} action asynchronous
 * @returns {Promise<boolean>} whether it worked
 */
export async function submit(form, problem, action) {
  const buttons = form.querySelectorAll("button");
  showText(problem, "");
  buttons.forEach((button) => (button.disabled = true));
  try {
    await action();
    showRefusal(form, false);
    return true;
  } catch (error) {
    showText(problem, error.message);
    showRefusal(form, error.kind === "refused");
    return false;
  } finally {
    buttons.forEach((button) => (button.disabled = false));
  }
}

function showRefusal(form, refused) {
  for (const choice of form.querySelectorAll("[data-on-refusal]")) choice.hidden = !refused;
}

let dialogs = 0;

/**
 * Asks in a dialog; the browser keeps the focus inside, and gives it back afterwards.
 * @param {object} question
 * @param {string} question.title
 * @param {Node[]} question.content
 * @param {string} question.action the text of the button that carries it out
 * @param {boolean} [question.grave] whether it cannot be undone
 * @param {function} question.carryOut asynchronous; receives the FormData
 */
export function ask({ title, content, action, grave = false, carryOut }) {
  const id = `dialog-${(dialogs += 1)}`;
  const problem = make("p", { class: "problem", role: "alert", hidden: true });
  const cancel = make("button", { type: "button" }, "Cancel");
  const form = make("form", {}, make("h2", { id }, title), ...content, problem,
    make("div", { class: "buttons" }, make("button", { class: grave ? "grave" : "primary" }, action), cancel));
  const dialog = make("dialog", { "aria-labelledby": id }, form);
  cancel.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await submit(form, problem, () => carryOut(new FormData(form)))) dialog.close();
  });
  const opener = document.activeElement;
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (opener?.isConnected) opener.focus();
    else document.querySelector("main section:not([hidden]) h1")?.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
}

/** Makes a labelled field; attributes are those of the input. */
export function field(label, attributes) {
  const id = `field-${attributes.name}-${dialogs + 1}`;
  return make("p", {}, make("label", { for: id }, label), make("input", { id, autocomplete: "off", ...attributes }));
}

/** Makes a check box with its label. */
export function checkBox(label, attributes) {
  return make("p", {}, make("label", {}, make("input", { type: "checkbox", ...attributes }), ` ${label}`));
}

/** Makes the choice to carry out what the checks refused; it appears once they have. */
export function onRefusal(label) {
  const box = checkBox(label, { name: "force" });
  box.dataset.onRefusal = "";
  box.hidden = true;
  return box;
}

export const CONSENT = "The person agreed that their gait is stored and compared";

/** Shows a message above the view, until another view is chosen; nothing for an empty one. */
export function tell(message) {
  if (message) document.dispatchEvent(new CustomEvent("told", { detail: message }));
}

/** Returns what a button without a form does; a refusal is shown above the view. */
export function press(action) {
  return async () => {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      tell(error.message);
    }
  };
}
