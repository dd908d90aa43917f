import assert from "node:assert/strict";
import { skip } from "./tap.mjs";

/** A connector's page: snippets, anchors, the option filter. */
export function connectorTests(suite, site, { entries, entry, document, options: properties, page: file }) {
  const options = properties.map(([name]) => name);
  const example = document.examples?.[0];

  suite.test("a connector's page shows every option of the schema, with its environment variable", () =>
    site.visit(file, {}, async (page) => {
      const rows = await page.locator(".options tbody th .anchor").allTextContents();
      assert.deepEqual([...rows].sort(), options.map((o) => `--${o}`).sort());
      const text = await page.locator("#options").textContent();
      for (const [, p] of properties) assert.ok(text.includes([p["x-env"]].flat()[0] ?? ""));
    }));

  suite.test("an option's anchor can be opened and copied from the address", () =>
    site.visit(`${file}#option-${options.at(-1)}`, {}, async (page) => {
      assert.ok(await page.locator("tr:target").isVisible());
      const link = page.locator(".options .anchor").first();
      await link.click();
      await page.waitForURL(`**/${file}${await link.getAttribute("href")}`);
    }));

  suite.test("the copy button copies the command as it stands", () => {
    if (!example) return skip("no connector has an example");
    return site.visit(file, { permissions: ["clipboard-read", "clipboard-write"] }, async (page) => {
      await page.getByRole("button", { name: "Copy" }).first().click();
      await page.getByRole("button", { name: "Copied" }).waitFor();
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      assert.equal(copied, (await page.locator(".snippet code").first().textContent()).trimEnd());
      assert.ok(copied.includes(entry.name));
    });
  });

  suite.test("tabs switch between command, environment and config file, and are remembered", () => {
    if (!example) return skip("no connector has an example");
    return site.visit(file, {}, async (page) => {
      const visible = () => page.locator(".snippet:visible").first().getAttribute("data-kind");
      assert.equal(await visible(), "command");
      await page.getByRole("tab", { name: "Command" }).first().press("ArrowRight");
      assert.equal(await visible(), "environment");
      await page.getByRole("tab", { name: "Config file" }).first().click();
      assert.equal(await visible(), "file");
      await page.reload();
      assert.equal(await visible(), "file");
    });
  });

  suite.test("the option filter hides the rest, and an anchor brings it back", () =>
    site.visit(file, {}, async (page) => {
      const last = options.at(-1);
      await page.locator("#find-option").fill("zzzzzz");
      assert.ok(await page.getByText("No option matches.").isVisible());
      await page.locator("#find-option").fill(last);
      assert.ok(await page.locator(".options tbody tr:visible").count() < options.length || options.length === 1);
      const hidden = await page.locator(".options tbody tr[hidden]").first().getAttribute("id").catch(() => null);
      if (!hidden) return;
      await page.evaluate((id) => (location.hash = id), hidden);
      await page.locator(`[id="${hidden}"]`).waitFor({ state: "visible" });
    }));

  suite.test("previous and next walk through the whole catalog", () =>
    site.visit(`connectors/${entries[0].name}/index.html`, {}, async (page) => {
      const walked = [entries[0].name];
      for (const { name } of entries.slice(1)) {
        await page.locator('a[rel="next"]').click();
        await page.waitForURL(`**/connectors/${name}/index.html`);
        walked.push(await page.locator("h1").textContent());
      }
      assert.equal(await page.locator('a[rel="next"]').count(), 0);
      assert.deepEqual(walked, entries.map((e) => e.name));
    }));
}
