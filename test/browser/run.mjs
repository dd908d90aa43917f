// Tests a rendered catalog site in Chromium and prints TAP.
//
//   node run.mjs SITE_DIR
//
// CHROMIUM names the browser (default /usr/bin/chromium); SCREENSHOTS=DIR writes pictures of the main views there.
// It knows nothing of the connectors but what the site's own index.json says, so that it tests any catalog.
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { launch, Site } from "./browser.mjs";
import { connectorTests } from "./connector.mjs";
import { frameTests } from "./frame.mjs";
import { listTests } from "./list.mjs";
import { serve } from "./serve.mjs";
import { skipAll, Suite } from "./tap.mjs";

const views = [
  { name: "list", file: "index.html" },
  { name: "no-result", file: "index.html#q=zzzz" },
  { name: "connector", file: null },
  { name: "404", file: "404.html" },
];

async function takeScreenshots(site, catalog, folder) {
  await mkdir(folder, { recursive: true });
  for (const { name, file } of views) {
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [1280, 360]) {
        await site.visit(file ?? catalog.page, { colorScheme, viewport: { width, height: width > 800 ? 900 : 740 } }, (page) =>
          page.screenshot({ path: path.join(folder, `${name}-${colorScheme}-${width}.png`), fullPage: width < 800 }));
      }
    }
  }
}

/** Reads what the tests need to know of the catalog: its entries, and the connector with the most to look at. */
async function readCatalog(folder) {
  const { connectors: entries } = JSON.parse(await readFile(path.join(folder, "index.json"), "utf8"));
  let best;
  for (const entry of entries) {
    const file = path.join(folder, "connectors", entry.name, `${entry.version}.json`);
    const document = JSON.parse(await readFile(file, "utf8"));
    const options = Object.entries(document.schema.properties).filter(([, p]) => !p["x-hidden"]);
    const size = options.length + 100 * (document.examples?.length ?? 0);
    if (!best || size > best.size) best = { size, entry, document, options };
  }
  if (!best) throw new Error("the catalog is empty: there is nothing to test");
  return { entries, ...best, page: `connectors/${best.entry.name}/index.html` };
}

async function main(argument) {
  if (!argument || !existsSync(path.join(argument, "index.html"))) {
    console.error("usage: node run.mjs SITE_DIR    (a folder with index.html)");
    return 2;
  }
  const { browser, missing } = await launch();
  if (missing) {
    skipAll(missing);
    return 0;
  }
  const folder = path.resolve(argument);
  const server = await serve(folder);
  try {
    const catalog = await readCatalog(folder);
    const site = new Site(browser, server.url);
    const disk = new Site(browser, pathToFileURL(folder + path.sep).href);
    const suite = new Suite();
    listTests(suite, site, catalog);
    connectorTests(suite, site, catalog);
    frameTests(suite, site, disk, catalog);
    const failed = await suite.run();
    if (process.env.SCREENSHOTS) await takeScreenshots(site, catalog, process.env.SCREENSHOTS);
    return failed === 0 ? 0 : 1;
  } finally {
    await browser.close();
    await server.close();
  }
}

process.exitCode = await main(process.argv[2]);
