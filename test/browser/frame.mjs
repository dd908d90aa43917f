import assert from "node:assert/strict";
import { assertAccessible, assertNoSidewaysScroll } from "./browser.mjs";

const background = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

/** What holds for every page: themes, phones, accessibility, no script, no foreign request, reading from disk. */
export function frameTests(suite, site, disk, { entries, document, options, page: connector }) {
  const pages = entries.flatMap((e) => e.versions.map((v) =>
    v === e.version ? `connectors/${e.name}/index.html` : `connectors/${e.name}/${v}/index.html`));
  const deprecated = entries.filter((e) => e.stability === "deprecated").map((e) => `connectors/${e.name}/index.html`);

  suite.test("the theme follows the system, the button overrides it, and the choice is remembered", () =>
    site.visit("index.html", {}, async (page) => {
      const light = await background(page);
      await page.emulateMedia({ colorScheme: "dark" });
      const dark = await background(page);
      assert.notEqual(light, dark);
      await page.getByRole("button", { name: "Dark theme" }).click();
      assert.equal(await background(page), light);
      await page.reload();
      assert.equal(await background(page), light);
      await page.goto(new URL(connector, page.url()).href);
      assert.equal(await background(page), light);
      await page.getByRole("button", { name: "Dark theme" }).click();
      assert.equal(await background(page), dark);
      assert.equal(await page.evaluate(() => localStorage.getItem("patchbay-theme")), null);
    }));

  for (const colorScheme of ["light", "dark"]) {
    for (const file of ["index.html", "index.html#q=zzzzzz", connector, "404.html", ...deprecated.slice(0, 1)]) {
      suite.test(`axe finds nothing on ${file.replace("#", " with ")} in ${colorScheme}`, () =>
        site.visit(file, { colorScheme, reducedMotion: "reduce" }, async (page) => {
          await page.evaluate(() => document.querySelectorAll("details").forEach((d) => (d.open = true)));
          await assertAccessible(page);
        }));
    }
  }

  suite.test("axe finds nothing on a phone", async () => {
    for (const file of ["index.html", connector]) {
      await site.visit(file, { viewport: { width: 360, height: 740 }, reducedMotion: "reduce" }, assertAccessible);
    }
  });

  suite.test("every page of every version is quiet, keeps to the site, and fits a phone of 320 and 360 pixels", () =>
    site.visit("index.html", { viewport: { width: 320, height: 740 } }, async (page) => {
      const root = new URL(".", page.url());
      for (const file of ["index.html", "index.html#q=zzzzzz", "404.html", ...pages]) {
        await page.goto(new URL(file, root).href);
        assert.equal(await page.locator("h1").count(), 1);
        for (const width of [320, 360]) {
          await page.setViewportSize({ width, height: 740 });
          await assertNoSidewaysScroll(page, file);
        }
      }
    }));

  suite.test("an address that does not exist gets the 404 page and a way back", () =>
    site.visit("no-such-page", { expectNotFound: true }, async (page) => {
      await page.getByRole("link", { name: "See all connectors" }).click();
      await page.waitForURL("**/index.html");
    }));

  suite.test("the skip link is the first stop of the keyboard", () =>
    site.visit(connector, {}, async (page) => {
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
      await page.keyboard.press("Enter");
      assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    }));

  suite.test("read from disk: styles, search and pages work, and nothing is requested from elsewhere", () =>
    disk.visit("index.html", {}, async (page) => {
      assert.notEqual(await background(page), "rgba(0, 0, 0, 0)");
      await page.locator("#search").fill(document.name);
      await page.waitForURL(/#q=/);
      await page.keyboard.press("Enter");
      await page.waitForURL(`**/${connector}`);
      if (!document.examples?.length) return;
      await page.getByRole("button", { name: "Copy" }).first().click();
      await page.getByRole("button", { name: "Copied" }).waitFor();
    }));

  suite.test("without script the whole list is there and nothing is offered that would not work", () =>
    site.visit("index.html", { javaScriptEnabled: false }, async (page) => {
      assert.equal(await page.locator(".card:visible").count(), entries.length);
      assert.equal(await page.locator("input:visible, button:visible").count(), 0);
      await page.locator(".card h3 a").first().click();
      await page.waitForURL("**/connectors/**");
    }));

  suite.test("without script every snippet and option can be read", () =>
    site.visit(connector, { javaScriptEnabled: false }, async (page) => {
      assert.equal(await page.locator(".snippet:visible").count(), 3 * (document.examples?.length ?? 0));
      assert.equal(await page.locator(".options tbody tr:visible").count(), options.length);
      assert.equal(await page.locator("input:visible, button:visible").count(), 0);
    }));
}
