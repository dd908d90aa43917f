import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(import.meta.url);
const flags = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/** Starts Chromium, or says why that cannot be: { browser } or { missing }. */
export async function launch() {
  const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
  if (!existsSync(executablePath)) {
    return { missing: `no Chromium at ${executablePath}; install the package chromium or set CHROMIUM` };
  }
  let playwright;
  try {
    playwright = require("playwright-core");
  } catch {
    return { missing: "playwright-core is not installed; run npm ci in test/browser" };
  }
  return { browser: await playwright.chromium.launch({ executablePath, args: flags }) };
}

/**
 * Opens pages of one site and watches them: whatever a page logs as an error, throws, requests from elsewhere, or is refused
 * by its own content security policy fails the test that opened it.
 */
export class Site {
  #browser;
  #root;

  constructor(browser, root) {
    this.#browser = browser;
    this.#root = root;
  }

  /** Opens a page, gives it to body, closes it, and fails if it misbehaved. */
  async visit(file, options, body) {
    const { permissions, ...context } = options;
    const session = await this.#browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light", ...context });
    session.setDefaultTimeout(10_000);
    const faults = [];
    try {
      if (permissions) await session.grantPermissions(permissions);
      const page = await session.newPage();
      page.on("console", (m) => {
        const wanted = m.text().includes("404 (Not Found)") && options.expectNotFound;
        if (["error", "warning"].includes(m.type()) && !wanted) faults.push(`console ${m.type()}: ${m.text()}`);
      });
      page.on("pageerror", (e) => faults.push(`uncaught: ${e.message}`));
      page.on("request", (r) => {
        if (!r.url().startsWith(this.#root)) faults.push(`request leaves the site: ${r.url()}`);
      });
      page.on("requestfailed", (r) => {
        const left = r.failure()?.errorText === "net::ERR_ABORTED"; // the page was left before it came
        if (!left) faults.push(`request failed: ${r.url()}: ${r.failure()?.errorText}`);
      });
      await page.goto(this.#root + file);
      await body(page);
    } finally {
      await session.close();
    }
    assert.deepEqual(faults, []);
  }
}

let axeSource;

/** Fails with every accessibility violation that axe finds on the page. */
export async function assertAccessible(page) {
  axeSource ??= await readFile(path.join(path.dirname(require.resolve("axe-core")), "axe.min.js"), "utf8");
  await page.evaluate(axeSource); // through the debugger: the page's own policy would refuse a script tag
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`), []);
}

/** Fails when the page is wider than its window, naming what sticks out. */
export async function assertNoSidewaysScroll(page, file) {
  const wide = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const out = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > width + 1);
    return [`${document.documentElement.scrollWidth} > ${width}`, ...out.slice(0, 5).map((e) => `${e.tagName}.${e.className}`)];
  });
  assert.deepEqual(wide, [], `${file} is too wide`);
}
