// Operators in front of the administration in Chromium, without scripts: every page is looked at, a person is made, switched
// off and on, a key is made and revoked, and other sites' pages do nothing.

import assert from "node:assert/strict";
import http from "node:http";

import { Looks, heading } from "./looks.mjs";

const [modules, executablePath, words] = process.argv.slice(2);
const told = JSON.parse(words);
const base = told.admin;
const looks = new Looks(modules, executablePath, told.shots, [new URL(base).host, new URL(told.issuer).host, new URL(told.page).host]);
const other = http.createServer((_, response) => response.setHeader("content-type", "text/html").end("<title>Other</title>"));
other.listen(Number(new URL(told.page).port), "127.0.0.1");

const press = (page, name) => page.getByRole("button", { name, exact: true }).first().click();
const done = (page) => page.locator(".done").waitFor();

async function signIn(page) {
  await page.goto(`${base}/admin`);
  await page.getByLabel("Admin key").fill(told.key);
  await page.keyboard.press("Enter");
  await heading(page, "Overview");
}

async function everyPageIsLookedAt() {
  const page = await looks.person({ javaScriptEnabled: false });
  await page.goto(`${base}/admin`);
  await looks.look(page, "sign-in");
  await page.getByLabel("Admin key").fill("cs_ak_wrong");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  await looks.look(page, "wrong-key");
  await signIn(page);
  await looks.look(page, "overview");
  await page.locator("summary").first().click();
  await looks.look(page, "overview-table");
  await page.goto(`${base}/admin/people`);
  await page.locator("summary").first().click();
  await page.locator("#new-email").fill("jane@example.org");
  await page.locator("#new-name").fill("Jane <b>");
  await press(page, "Add a person");
  await looks.look(page, "made-person");
  await page.goto(`${base}/admin/people`);
  await looks.look(page, "people");
  await page.locator("th a").first().click();
  await looks.look(page, "person");
  const person = page.url();
  await press(page, "Switch off");
  await done(page);
  await press(page, "Switch on");
  await done(page);
  await page.goto(`${base}/admin/apps/club`);
  await looks.look(page, "app");
  for (const room of ["apps", "grants", "invitations", "realms", "events", "messages", "keys", "health"]) {
    await page.goto(`${base}/admin/${room}`);
    await page.locator("main h1").waitFor();
    await looks.look(page, room);
  }
  await press(page, "Sign out");
  await looks.look(page, "signed-out");
  await page.goto(person);
  await page.getByLabel("Admin key").waitFor();
}

async function firstViewsAreSmall() {
  const page = await looks.person();
  await signIn(page);
  for (const room of ["", "/people", "/apps/club", "/keys", "/events"]) await looks.weigh(page, `${base}/admin${room}`);
}

async function otherSitesDoNothing() {
  const page = await looks.person();
  await signIn(page);
  const cookies = await page.context().cookies();
  const own = cookies.find((cookie) => cookie.name.endsWith("-operator"));
  assert.deepEqual([own.httpOnly, own.secure, own.sameSite, own.path], [true, true, "Strict", "/"]);
  await page.goto(told.page);
  for (const act of ["rotate_signing", "make_admin_key"]) {
    await page.setContent(`<form method="post" action="${base}/admin/keys"><input name="act" value="${act}"><button>Go</button></form>`);
    const [answer] = await Promise.all([page.waitForNavigation(), page.getByRole("button").click()]);
    assert.ok([303, 403].includes(answer.status()) || answer.url().includes("/admin/sign-in"), `${act}: ${answer.status()}`);
    await page.goto(told.page);
  }
  await page.setContent(`<iframe src="${base}/admin"></iframe>`);
  await page.waitForTimeout(300);
  assert.equal(await page.frameLocator("iframe").locator("main").count().catch(() => 0), 0);
  looks.complaints = looks.complaints.filter((one) => !one.includes("frame-ancestors"));
}

async function inOtherLanguages() {
  const page = await looks.person();
  await signIn(page);
  for (const locale of ["de", "ja"]) {
    await page.context().setExtraHTTPHeaders({ "accept-language": locale });
    for (const room of ["", "/people", "/keys"]) {
      await page.goto(`${base}/admin${room}`);
      await looks.look(page, `${locale}${room.replace("/", "-") || "-overview"}`);
    }
  }
}

try {
  await looks.run([everyPageIsLookedAt, firstViewsAreSmall, otherSitesDoNothing, inOtherLanguages]);
} finally {
  other.close();
}
