// What a view asks for again and again while it is looked at.

import { RequestError } from "./api.js";

/** Repeats an asynchronous action while it is started and the page is seen; refusals are left to the next time. */
export class Repeater {
  #timer = 0;

  /**
   * @param {function} action
   * @param {number} everyMs
   */
  constructor(action, everyMs) {
    this.action = action;
    this.everyMs = everyMs;
  }

  start() {
    this.stop();
    this.#timer = setInterval(() => this.#act(), this.everyMs);
  }

  stop() {
    clearInterval(this.#timer);
  }

  async #act() {
    if (document.hidden) return;
    try {
      await this.action();
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
    }
  }
}
