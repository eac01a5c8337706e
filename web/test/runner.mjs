// Runs the steps of a walk. A step has a sentence that says what the reader can do.
import { screenshot } from "./browser.mjs";

/** A walk of several readers. `failed` counts the steps that failed. */
export class Walk {
  failed = 0;

  constructor(out) {
    this.out = out;
  }

  /**
   * Takes the steps of one reader, one after the other. The first that fails ends them, because the next ones would start from
   * somewhere else; other readers go on.
   */
  async as(who, open, steps) {
    let reader;
    try {
      reader = await open();
    } catch (error) {
      this.failed++;
      console.log(`FAILED  ${who}: opens the page\n  ${error.message.replaceAll("\n", "\n  ")}`);
      return;
    }
    try {
      for (const [sentence, step] of steps) {
        if (!(await this.#take(`${who}: ${sentence}`, reader, step))) return;
      }
    } finally {
      await reader.context.close();
    }
  }

  async #take(sentence, reader, step) {
    const started = performance.now();
    try {
      await step(reader);
      if (reader.errors.length > 0) throw new Error(`errors in the page:\n${reader.errors.join("\n")}`);
      console.log(`ok      ${((performance.now() - started) / 1000).toFixed(1)} s  ${sentence}`);
      return true;
    } catch (error) {
      this.failed++;
      const shot = await screenshot(reader.page, this.out, "failed " + sentence.slice(0, 80)).catch((why) => `none: ${why.message}`);
      console.log(`FAILED  ${sentence}\n  ${error.message.replaceAll("\n", "\n  ")}\n  screenshot: ${shot}`);
      return false;
    }
  }
}

export function check(holds, otherwise) {
  if (!holds) throw new Error(otherwise);
}
