import assert from "node:assert/strict";
import { skip } from "./tap.mjs";

const shown = (page) => page.locator(".card:not([hidden]) h3 a").allTextContents();
const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);

/** The list page: search, filters, keyboard, the state in the address. */
export function listTests(suite, site, { entries, entry, options }) {
  const names = entries.map((e) => e.name);
  const own = options.filter(([, p]) => !p["x-shared"]).map(([name]) => name);

  suite.test("the list shows every connector, deprecated ones last", () =>
    site.visit("index.html", {}, async (page) => {
      const order = await shown(page);
      assert.deepEqual([...order].sort(), [...names].sort());
      const gone = order.map((n) => entries.find((e) => e.name === n).stability === "deprecated");
      assert.deepEqual(gone, [...gone].sort());
      assert.match(await page.locator("#count").textContent(), new RegExp(`^${names.length} connector`));
    }));

  suite.test("search narrows the list to a name and shows it first", () =>
    site.visit("index.html", {}, async (page) => {
      await page.locator("#search").fill(entry.name);
      const found = await shown(page);
      assert.equal(found[0], entry.name);
      assert.equal(await page.locator("#count").textContent(), `${found.length} of ${names.length} connector${names.length === 1 ? "" : "s"}`);
    }));

  suite.test("search finds an option and links to it", () => {
    const option = [...own].sort((a, b) => b.length - a.length)[0];
    if (!option) return skip("no connector has an option of its own");
    return site.visit("index.html", {}, async (page) => {
      await page.locator("#search").fill(`--${option}`);
      const hint = page.locator(`.card[data-name="${entry.name}"] .card-hint a`);
      assert.equal(await hint.textContent(), `--${option}`);
      await hint.click();
      await page.waitForURL(`**/connectors/${entry.name}/index.html#option-*`);
      assert.ok(await page.locator("tr:target").isVisible());
    });
  });

  suite.test("search finds words of the description whatever their case", () =>
    site.visit("index.html", {}, async (page) => {
      const word = entry.description.match(/\p{L}{4,}/u)[0];
      await page.locator("#search").fill(word.toUpperCase());
      assert.ok((await shown(page)).includes(entry.name));
    }));

  suite.test("a search without result says so and leads back", () =>
    site.visit("index.html", {}, async (page) => {
      await page.locator("#search").fill("zzzzzz");
      assert.ok(await page.getByText("Nothing is plugged in here").isVisible());
      assert.equal(await page.locator(".cards").isVisible(), false);
      await page.getByRole("button", { name: "Show all connectors" }).click();
      assert.equal((await shown(page)).length, names.length);
      assert.equal(await page.locator("#empty").isVisible(), false);
    }));

  suite.test("a misspelt name gets a suggestion", () =>
    site.visit("index.html", {}, async (page) => {
      const word = names.flatMap((n) => n.split("-")).filter((w) => w.length >= 5).sort()[0];
      await page.locator("#search").fill(word.slice(0, -2) + word.at(-1) + word.at(-2));
      if ((await shown(page)).length > 0) return; // the swapped word is a word too
      await page.locator("#suggestion").click();
      assert.ok((await shown(page)).length > 0);
    }));

  for (const facet of ["direction", "category", "stability"]) {
    suite.test(`the filter by ${facet} shows what has the value, and counts it`, () => {
      const value = entry[facet];
      if (!value) return skip(`${entry.name} has no ${facet}`);
      return site.visit("index.html", {}, async (page) => {
        const box = page.locator(`input[name="${facet}"][value="${value}"]`);
        await box.check();
        const want = entries.filter((e) => e[facet] === value).map((e) => e.name);
        assert.deepEqual([...(await shown(page))].sort(), [...want].sort());
        assert.equal(await page.locator("label", { has: box }).locator(".tally").textContent(), String(want.length));
        await page.getByRole("button", { name: "Clear all" }).click();
        assert.equal((await shown(page)).length, names.length);
      });
    });
  }

  suite.test("the state stands in the address and survives a reload", () =>
    site.visit("index.html", {}, async (page) => {
      await page.locator("#search").fill(entry.name);
      await page.locator(`input[name="direction"][value="${entry.direction}"]`).check();
      await page.waitForURL(`**/index.html#q=${entry.name}&direction=${entry.direction}`);
      const before = await shown(page);
      await page.reload();
      assert.equal(await page.locator("#search").inputValue(), entry.name);
      assert.deepEqual(await shown(page), before);
    }));

  suite.test("the keyboard alone searches, moves and opens", () =>
    site.visit("index.html", {}, async (page) => {
      await page.keyboard.press("/");
      assert.equal(await focused(page), "search");
      await page.keyboard.type(entry.name);
      await page.keyboard.press("ArrowDown");
      assert.equal(await focused(page), entry.name);
      await page.keyboard.press("ArrowUp");
      assert.equal(await focused(page), "search");
      await page.keyboard.press("Escape");
      assert.equal(await page.locator("#search").inputValue(), "");
      assert.equal((await shown(page)).length, names.length);
      await page.keyboard.press("ArrowDown");
      if (names.length > 1) {
        await page.keyboard.press("ArrowRight");
        assert.equal(await focused(page), (await shown(page))[1]);
        await page.keyboard.press("End");
        assert.equal(await focused(page), (await shown(page)).at(-1));
        await page.keyboard.press("Home");
      }
      const target = await focused(page);
      await page.keyboard.press("Enter");
      await page.waitForURL(`**/connectors/${target}/index.html`);
    }));

  suite.test("Enter in the search opens the first result", () =>
    site.visit("index.html", {}, async (page) => {
      await page.locator("#search").fill(entry.name);
      await page.keyboard.press("Enter");
      await page.waitForURL(`**/connectors/${entry.name}/index.html`);
    }));
}
