// People who administer their realm in Chromium: they say which, make a passkey on the way in, change an app, look at
// everything without scripts and from right to left, and nobody else gets in.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";

import { Looks, heading } from "./looks.mjs";
import { mailed } from "./mails.mjs";

const [modules, executablePath, words] = process.argv.slice(2);
const told = JSON.parse(words);
const base = told.issuer;
const mails = path.join(told.folder, "mail");
const looks = new Looks(modules, executablePath, told.shots, [new URL(base).host]);
const authenticator = { protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal", hasResidentKey: true,
  hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };

const press = (page, name) => page.getByRole("button", { name, exact: true }).first().click();
const done = (page, what) => page.locator(".done", { hasText: what }).waitFor();

// Comes in by the choice of realms, with a mailed code and a passkey that is made on the way.
async function signIn(page, address) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable", { enableUI: false });
  await cdp.send("WebAuthn.addVirtualAuthenticator", { options: authenticator });
  await page.goto(`${base}/admin/people`);
  await heading(page, "Which realm do you administer?");
  await page.getByRole("link", { name: "staff" }).click();
  await page.getByLabel(/Email address/).fill(address);
  await page.keyboard.press("Enter");
  await page.getByLabel("Code from the mail").fill(await mailed(mails, address));
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Make a passkey" }).click();
  await page.waitForURL(`${base}/admin/people`);
}

// The same person without scripts.
async function withoutScripts(page, options = {}) {
  const calm = await looks.person({ javaScriptEnabled: false, acceptDownloads: true, ...options });
  await calm.context().addCookies(await page.context().cookies());
  return calm;
}

async function anAdministratorAdministers() {
  const first = await looks.person({ javaScriptEnabled: false });
  await first.goto(`${base}/admin`);
  await looks.look(first, "choose");
  const ann = await looks.person();
  await signIn(ann, "ann@example.org");
  await heading(ann, "People");
  await looks.weigh(ann, `${base}/admin/apps/crate`);
  await looks.weigh(ann, `${base}/admin/people`);
  const page = await withoutScripts(ann);
  for (const room of ["", "/people", "/apps", "/realms/staff", "/events", "/keys"]) {
    await page.goto(`${base}/admin${room}`);
    await page.locator("main h1").waitFor();
    await looks.look(page, `administrator${room.replaceAll("/", "-") || "-overview"}`);
  }
  await changesAnApp(page);
  await bringsPeopleIn(page);
  await page.goto(`${base}/admin/people`);
  await page.getByLabel("Email address").first().fill("bob@example.org");
  await press(page, "Search");
  await page.locator("th a").first().click();
  await press(page, "Switch off");
  await done(page, "Switch off");
  await looks.look(page, "administrator-person");
  await fromRightToLeft(page);
  await page.goto(`${base}/admin`);
  await press(page, "Sign out");
  await heading(page, /Sign out/);
}

// A file is looked at, taken, and given out again.
async function bringsPeopleIn(page) {
  const lines = ["cat", "dan"].map((name) => JSON.stringify({ emails: [{ address: `${name}@example.org` }] }));
  const send = async (text, look) => {
    await page.goto(`${base}/admin/people`);
    await page.locator("summary", { hasText: "Bring in" }).click();
    await page.getByLabel("File").setInputFiles({ name: "people.jsonl", mimeType: "", buffer: Buffer.from(text) });
    if (look) await page.getByLabel(/Only look at it/).check();
    await press(page, "Bring people in");
  };
  await send(`${lines[0]}\nnonsense\n`, false);
  await page.getByText("Nothing was taken: of 2 lines some are wrong.").waitFor();
  await looks.look(page, "import-wrong");
  await send(lines.join("\n"), true);
  await done(page, "Looked at 2 lines");
  await send(lines.join("\n"), false);
  await done(page, "Taken: 2 of 2 lines.");
  await looks.look(page, "import-done");
  const [download] = await Promise.all([page.waitForEvent("download"), press(page, "Download everybody")]);
  const people = fs.readFileSync(await download.path(), "utf8").trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(people.map((one) => one.emails[0].address.split("@")[0]).sort(), ["ann", "bob", "cat", "dan"]);
}

async function changesAnApp(page) {
  await page.goto(`${base}/admin/apps/crate`);
  await looks.look(page, "settings-closed");
  for (const summary of await page.locator("main > details > summary").all()) await summary.click();
  await looks.look(page, "settings-open");
  await page.getByLabel("Title").fill("The Crate");
  await page.getByLabel("Origins").fill("https://a.example https://b.example");
  await page.getByLabel("Colour").fill("#ffdd00");
  await press(page, "Save title, pages and colour");
  await done(page, "Save title, pages and colour");
  await page.locator("summary", { hasText: "Who signs in" }).click();
  await page.getByLabel("Passkey", { exact: true }).check();
  await page.getByLabel("Mail", { exact: true }).check();
  await page.getByLabel("Least level").selectOption({ label: "Two factors (AAL2)" });
  await press(page, "Save who signs in");
  await done(page, "Save who signs in");
  // What the browser lets through is refused beside its field.
  await page.locator("summary", { hasText: "Title, pages" }).click();
  await page.getByLabel("Colour").fill("red");
  await press(page, "Save title, pages and colour");
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByLabel("Colour").inputValue(), "red");
  assert.equal(await page.getByLabel("Colour").getAttribute("aria-invalid"), "true");
  await looks.look(page, "settings-wrong");
}

async function fromRightToLeft(page) {
  await page.context().setExtraHTTPHeaders({ "accept-language": "ar" });
  for (const room of ["", "/people", "/apps/crate", "/events", "/keys"]) {
    await page.goto(`${base}/admin${room}`);
    assert.equal(await page.locator("html").getAttribute("dir"), "rtl");
    for (const summary of await page.locator("main > details > summary").all()) await summary.click();
    await looks.look(page, `right-to-left${room.replaceAll("/", "-") || "-overview"}`);
  }
  await page.context().setExtraHTTPHeaders({});
}

async function nobodyElseGetsIn() {
  const bob = await looks.person();
  await bob.goto(`${base}/account?app=desk`);
  await bob.getByLabel(/Email address/).fill("eve@example.org");
  await bob.keyboard.press("Enter");
  await bob.getByLabel("Code from the mail").fill(await mailed(mails, "eve@example.org"));
  await bob.keyboard.press("Enter");
  await bob.waitForURL(`${base}/account`);
  const answer = await bob.goto(`${base}/admin`);
  assert.equal(answer.status(), 404);
}

await looks.run([anAdministratorAdministers, nobodyElseGetsIn]);
