// A small TAP producer: tests run in order, a failure is printed with its reason and does not stop the others.

/** Collects tests; run() prints their results to stdout and returns how many failed. */
export class Suite {
  #tests = [];

  /** Adds a test. It fails by throwing, and is skipped by returning skip("reason"). */
  test(name, body) {
    this.#tests.push({ name, body });
  }

  async run() {
    let failed = 0;
    console.log("TAP version 13");
    console.log(`1..${this.#tests.length}`);
    for (const [i, { name, body }] of this.#tests.entries()) {
      const title = `${i + 1} - ${name.replaceAll("#", "")}`;
      try {
        const result = await body();
        console.log(result instanceof Skip ? `ok ${title} # SKIP ${result.reason}` : `ok ${title}`);
      } catch (error) {
        failed++;
        console.log(`not ok ${title}`);
        console.log("  ---");
        for (const line of String(error?.stack ?? error).split("\n")) console.log(`  # ${line}`);
        console.log("  ...");
      }
    }
    console.error(`${this.#tests.length - failed} passed, ${failed} failed`);
    return failed;
  }
}

class Skip {
  constructor(reason) {
    this.reason = reason;
  }
}

/** What a test returns when this site holds nothing for it to look at. */
export const skip = (reason) => new Skip(reason);

/** Says on both streams that nothing was tested, and why. The exit status stays 0. */
export function skipAll(reason) {
  console.log("TAP version 13");
  console.log(`1..0 # SKIP ${reason}`);
  console.error(`SKIPPED: the site was not tested in a browser: ${reason}`);
}
