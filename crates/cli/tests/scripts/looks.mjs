// People in front of Chromium, and what is looked at on every page that they see: nothing is cut off on a narrow screen, axe
// finds nothing, nothing is asked of anybody else, and a picture is kept of it in light and dark, narrow and wide.

import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const SIZES = [["light", 320], ["dark", 320], ["light", 1280], ["dark", 1280]];
// All rules of WCAG 2.2 to level AA, and what axe's makers hold to be good practice.
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
// A first view: everything that it takes, uncompressed.
const MOST_BYTES = 30_000;
const MOST_REQUESTS = 4;

const args = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
  "--disable-background-networking", "--disable-component-update",
];

export class Looks {
  constructor(modules, executablePath, shots, hosts) {
    const load = createRequire(modules + "/");
    Object.assign(this, { executablePath, shots, hosts, chromium: load("playwright-core").chromium, complaints: [] });
    this.axe = fs.readFileSync(load.resolve("axe-core/axe.min.js"), "utf8");
    fs.mkdirSync(shots, { recursive: true });
  }

  async open() {
    this.browser = await this.chromium.launch({ executablePath: this.executablePath, args });
  }

  async person(options = {}) {
    const context = await this.browser.newContext(options);
    context.setDefaultTimeout(15_000);
    context.on("request", (request) => {
      const { protocol, host } = new URL(request.url());
      if (protocol !== "blob:" && !this.hosts.includes(host)) this.complaints.push(`asked ${request.url()}`);
    });
    context.on("console", (message) => {
      const isRefusal = /status of 4\d\d/.test(message.text());
      if (["error", "warning"].includes(message.type()) && !isRefusal) this.complaints.push(`said ${message.text()}`);
    });
    context.on("weberror", (error) => this.complaints.push(`threw ${error.error()}`));
    const page = await context.newPage();
    page.isWithoutScripts = options.javaScriptEnabled === false;
    return page;
  }

  async look(page, name) {
    for (const [colorScheme, width] of SIZES) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: width === 320 ? 640 : 720 });
      const cut = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.equal(cut, 0, `${name} at ${width} px: ${cut} px to the right`);
      await page.screenshot({ path: path.join(this.shots, `${name}-${colorScheme}-${width}.png`), fullPage: true });
      // Colours differ by scheme and places by width: each is seen once.
      if ((colorScheme === "dark") === (width === 320)) await this.examine(page, `${name}, ${colorScheme} at ${width} px`);
    }
  }

  async examine(page, name) {
    const examined = page.isWithoutScripts ? await this.copied(page) : page;
    await examined.evaluate(this.axe);
    const found = await examined.evaluate((values) => window.axe.run(document, { runOnly: { type: "tag", values } }), RULES);
    for (const { id, help, nodes } of found.violations) {
      this.complaints.push(`${name}: ${id}: ${help}: ${nodes.map((node) => node.html).join(" | ").slice(0, 400)}`);
    }
    assert.ok(found.passes.length > 8, `${name}: axe looked at nothing`);
    if (examined !== page) await examined.close();
  }

  // The same page for axe, which needs scripts, where the page has none: with what stands there for browsers without.
  async copied(page) {
    const body = (await page.content()).replaceAll(/<script .*?<\/script>/g, "").replaceAll(/<(\/?)noscript>/g, "<$1div>");
    const colorScheme = await page.evaluate(() => (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
    const copy = await this.browser.newPage({ viewport: page.viewportSize(), colorScheme });
    const address = new URL("/examined", page.url()).href;
    await copy.route(address, (route) => route.fulfill({ contentType: "text/html", body }));
    await copy.goto(address);
    return copy;
  }

  // What the first view of an address takes.
  async weigh(page, address) {
    const answers = [];
    const note = (answer) => answers.push(answer);
    page.on("response", note);
    await page.goto(address, { waitUntil: "networkidle" });
    page.off("response", note);
    const bodies = await Promise.all(answers.filter((one) => one.status() === 200).map((answer) => answer.body()));
    const bytes = bodies.reduce((sum, body) => sum + body.length, 0);
    const weight = `${address}: ${bytes} bytes in ${bodies.length} requests`;
    console.error(weight);
    if (bytes > MOST_BYTES || bodies.length > MOST_REQUESTS) this.complaints.push(weight);
  }

  // Runs flows one after the other, each with people of its own.
  async run(flows) {
    const failures = [];
    setTimeout(() => assert.fail(`it took too long: ${failures.join("\n\n")}`), 240_000).unref();
    await this.open();
    try {
      for (const flow of flows) {
        const began = Date.now();
        await flow().catch((error) => failures.push(`${flow.name}: ${error.stack}`));
        await Promise.all(this.browser.contexts().map((context) => context.close()));
        console.error(`${flow.name}: ${Date.now() - began} ms`);
      }
    } finally {
      await this.browser.close();
    }
    assert.deepEqual([failures.join("\n\n"), this.complaints], ["", []]);
  }
}

export const heading = (page, name) => page.getByRole("heading", { name, level: 1 }).waitFor();
