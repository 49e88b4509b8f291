// Signs in on the demo page of `dev` as people do: with the code, with the link in the same browser, and with the
// link elsewhere; and reads the page of the interface. Fails when a page does not go on, asks another host for
// anything, or complains to its console.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [modules, executablePath, base] = process.argv.slice(2);
const { chromium } = createRequire(modules + "/")("playwright-core");
const args = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
  "--disable-background-networking", "--disable-component-update",
];
const browser = await chromium.launch({ executablePath, args });
const complaints = [];

async function person() {
  const context = await browser.newContext();
  context.setDefaultTimeout(15_000);
  context.on("request", (request) => {
    if (!request.url().startsWith(base + "/")) complaints.push(`asked ${request.url()}`);
  });
  context.on("console", (message) => {
    // Browsers look for a picture of the site by themselves; there is none.
    if (message.location().url.endsWith("/favicon.ico")) return;
    if (["error", "warning"].includes(message.type())) complaints.push(`said ${message.text()} at ${message.location().url}`);
  });
  context.on("weberror", (error) => complaints.push(`threw ${error.error()}`));
  return context;
}

// The newest mail, once there are `count`.
async function mail(count) {
  for (let tries = 0; tries < 500; tries += 1) {
    const { mails } = await (await fetch(base + "/dev/inbox.json")).json();
    if (mails.length === count) {
      return { code: mails[0].split("#").pop().trim(), link: /http\S+\/link\/\S+/.exec(mails[0])[0] };
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`there never were ${count} mails`);
}

// Opens the demo page in a new tab and asks for a code.
async function ask(context, email) {
  const page = await context.newPage();
  await page.goto(base + "/");
  await page.getByLabel("Your address").fill(email);
  await page.getByRole("button", { name: "Send me a code" }).click();
  await page.getByLabel("The code in it").waitFor();
  return page;
}

async function signedIn(page) {
  await page.getByText("You are signed in.").waitFor();
  const claims = JSON.parse(await page.locator("#claims").textContent());
  assert.equal(claims.iss, base);
  assert.equal(claims.client_id, "demo");
  await page.waitForFunction(() => document.getElementById("status").textContent !== "");
}

async function withTheCode() {
  const page = await ask(await person(), "code@example.org");
  const { code } = await mail(1);
  const right = code.replaceAll(/\D/g, "");
  await page.getByLabel("The code in it").pressSequentially(right);
  await page.keyboard.press("Enter");
  await signedIn(page);
}

async function withTheLinkHere() {
  const context = await person();
  const page = await ask(context, "here@example.org");
  const { link } = await mail(2);
  const tab = await context.newPage();
  await tab.goto(link);
  assert.equal(await tab.locator("#number").count(), 0, "the browser that asked is not asked for the number");
  await tab.getByRole("button").click();
  await tab.getByRole("heading", { name: "Done" }).waitFor();
  await signedIn(page);
}

async function withTheLinkElsewhere() {
  const page = await ask(await person(), "elsewhere@example.org");
  const { link } = await mail(3);
  const number = (await page.locator("#number").textContent()).trim();
  const other = await person();
  const tab = await other.newPage();
  for (let visits = 0; visits < 4; visits += 1) {
    await tab.goto(link, { waitUntil: "networkidle" });
    await tab.locator("#number").waitFor();
  }
  assert.equal((await other.request.head(link)).status(), 200);
  assert.ok(await page.locator("#check").isVisible(), "visits approve nothing");
  await tab.locator("#number").fill(number === "11" ? "12" : "11");
  await tab.getByRole("button").click();
  await tab.getByRole("alert").waitFor();
  assert.equal(await tab.locator("#number").getAttribute("aria-invalid"), "true");
  assert.ok(await page.locator("#check").isVisible(), "a wrong number approves nothing");
  await tab.locator("#number").fill(number);
  await tab.getByRole("button").click();
  await tab.getByRole("heading", { name: "Done" }).waitFor();
  assert.deepEqual(await other.cookies(), [], "the browser that approves gets nothing");
  await signedIn(page);
  await tab.goto(link);
  await tab.getByRole("heading", { name: "This link is over" }).waitFor();
}

// Every operation is there, nothing is cut off on the smallest screen, and the keyboard gets past the list.
async function theInterface() {
  const page = await (await person()).newPage();
  const { paths } = await (await fetch(base + "/openapi.json")).json();
  for (const width of [320, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    await page.goto(base + "/");
    await page.getByRole("link", { name: "page of the interface" }).click();
    await page.getByRole("heading", { name: "The interface" }).waitFor();
    await page.waitForLoadState();
    assert.equal(await page.locator("article").count(), Object.values(paths).flatMap(Object.keys).length);
    const cut = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(cut, 0, `${width} px: ${cut} px to the right`);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "content");
  }
}

try {
  await theInterface();
  await withTheCode();
  await withTheLinkHere();
  await withTheLinkElsewhere();
  assert.deepEqual(complaints, []);
} finally {
  await browser.close();
}
