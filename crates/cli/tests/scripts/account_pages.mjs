// What people do with their account in Chromium: everything without scripts, passkeys and recovery codes with them, in an
// app's colours, in a language that is written from right to left, and while other sites' pages try the same.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";

import { Looks, heading } from "./looks.mjs";
import { mailed } from "./mails.mjs";

const [modules, executablePath, words] = process.argv.slice(2);
const told = JSON.parse(words);
const mails = path.join(told.folder, "mail");
const base = told.issuer;
const looks = new Looks(modules, executablePath, told.shots, [new URL(base).host, new URL(told.page).host]);

// The page of an app, and one of nobody that we know.
const other = http.createServer((_, response) => response.setHeader("content-type", "text/html").end("<title>Other</title>"));
other.listen(Number(new URL(told.page).port), "127.0.0.1");

async function signIn(page, address, app = "club", where = "/account") {
  await page.goto(`${base}${where}?app=${app}`);
  await page.getByLabel(/Email address/).fill(address);
  await page.keyboard.press("Enter");
  await page.getByLabel("Code from the mail").fill(await mailed(mails, address));
  await page.keyboard.press("Enter");
  await page.waitForURL(`${base}${where}`);
}

const press = (page, name) => page.getByRole("button", { name, exact: true }).first().click();
const done = (page, text) => page.locator(".done", { hasText: text }).waitFor();
const shown = (secret) => execFileSync("oathtool", ["--totp", "--base32", secret], { encoding: "utf8" }).trim();

async function everythingWithoutScripts() {
  const page = await looks.person({ javaScriptEnabled: false, acceptDownloads: true });
  await signIn(page, "ann@example.org");
  await heading(page, "About you");
  await looks.look(page, "you");
  // With the keyboard alone: the first stop leads past the menu.
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.ok(page.url().endsWith("#main"));
  await page.getByLabel("Name that others see").fill("Ann");
  await page.getByLabel("Language of mails").selectOption("de");
  await press(page, "Save");
  await done(page, "Saved");
  await page.getByLabel("Language of mails").selectOption("");
  await press(page, "Save");
  await page.getByLabel("Another address").fill("ann@two.example");
  await press(page, "Add address");
  await page.getByLabel("Code from the mail").waitFor();
  await looks.look(page, "new-address");
  await page.getByLabel("Code from the mail").fill("000000");
  await press(page, "Confirm address");
  await page.getByRole("alert").waitFor();
  await looks.look(page, "wrong-address-code");
  await page.getByLabel("Code from the mail").fill(await mailed(mails, "ann@two.example"));
  await press(page, "Confirm address");
  await done(page, "The address is yours now");
  await press(page, "Make ann@two.example primary");
  await done(page, "Mails go to this address first");
  await press(page, "Remove ann@example.org");
  await done(page, "Removed");
  await page.getByRole("link", { name: "Security" }).click();
  await heading(page, "Security");
  await looks.look(page, "security");
  await press(page, "Set up an authenticator app");
  const secret = await page.locator(".key").textContent();
  await looks.look(page, "account-totp");
  while (Date.now() % 30_000 > 25_000) await new Promise((resolve) => setTimeout(resolve, 100));
  await page.getByLabel("Code from your app").fill(shown(secret));
  await press(page, "Continue");
  await page.locator(".codes").waitFor();
  assert.equal(await page.locator(".codes li").count(), 10);
  await looks.look(page, "recovery-codes");
  for (const [name, title] of [["Devices and sessions", "devices"], ["Apps", "apps"], ["History", "history"], ["Your data", "data"]]) {
    await page.getByRole("link", { name, exact: true }).click();
    await heading(page, name);
    await looks.look(page, title);
  }
}

async function theEnd() {
  const page = await looks.person({ javaScriptEnabled: false, acceptDownloads: true });
  await signIn(page, "eve@example.org", "club", "/account/data");
  const [download] = await Promise.all([page.waitForEvent("download"), press(page, "Download my data")]);
  const data = JSON.parse(fs.readFileSync(await download.path(), "utf8"));
  assert.ok(JSON.stringify(data).includes("eve@example.org"));
  await page.getByLabel(/I know that this cannot be undone/).check();
  await press(page, "Delete my account");
  await page.getByRole("heading", { name: /Your account/ }).waitFor();
  await looks.look(page, "erased");
  await page.goto(`${base}/account?app=club`);
  await page.getByLabel(/Email address/).waitFor();
}

async function passkeysAndSheetsWithScripts() {
  const page = await looks.person({ acceptDownloads: true, permissions: ["clipboard-read", "clipboard-write"] });
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable", { enableUI: false });
  await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal", hasResidentKey: true,
      hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  await signIn(page, "bob@example.org", "club", "/account/security");
  await page.getByRole("button", { name: "Add a passkey" }).waitFor();
  // Another window, in which somebody types for a long time.
  const slow = await page.context().newPage();
  await slow.goto(`${base}/account`);
  await slow.getByLabel("Another address").fill("bob@two.example");
  await page.bringToFront();
  await page.locator("#passkey-label").fill("My laptop");
  await press(page, "Add a passkey");
  await done(page, "Your passkey was added");
  await looks.look(page, "passkey-added");
  // With a passkey a mailed code is no longer enough: the way leads to it, and back.
  await typedIsKept(page, slow);
  await page.getByRole("link", { name: "Confirm that it is you: Make recovery codes" }).click();
  await heading(page, "Show that it is you");
  await looks.look(page, "confirm");
  await press(page, "Continue");
  await page.waitForURL(/account\/security|sign-in/);
  const button = page.getByRole("button", { name: "Use a passkey" });
  if (!page.url().includes("/account/")) await button.click().catch(() => {});
  await page.waitForURL(`${base}/account/security`);
  await press(page, "Make recovery codes");
  await page.locator(".codes").waitFor();
  const codes = (await page.locator(".codes li").allTextContents()).map((code) => code.trim());
  await press(page, "Copy");
  await page.getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `${codes.join("\n")}\n`);
  const [download] = await Promise.all([page.waitForEvent("download"), press(page, "Download")]);
  assert.equal(fs.readFileSync(await download.path(), "utf8"), `${codes.join("\n")}\n`);
  await looks.look(page, "sheet");
  await page.emulateMedia({ media: "print" });
  await page.screenshot({ path: path.join(told.shots, "sheet-print.png"), fullPage: true });
}

// What was typed is there after a refusal, and who it is can be confirmed beside it.
async function typedIsKept(page, slow) {
  await press(slow, "Add address");
  await slow.getByRole("alert").filter({ hasText: "what you typed is still here" }).waitFor();
  assert.equal(await slow.getByLabel("Another address").inputValue(), "bob@two.example");
  await looks.look(slow, "typed-is-kept");
  const [beside] = await Promise.all([slow.waitForEvent("popup"), slow.getByRole("link", { name: "Confirm in another window" }).click()]);
  await heading(beside, "Show that it is you");
  await beside.close();
  await slow.close();
  await page.reload();
  await looks.look(page, "stale-security");
}

async function aDeviceIsRegisteredAndEnded() {
  const page = await looks.person({ javaScriptEnabled: false });
  await signIn(page, "fay@example.org", "club", "/account/devices");
  await page.getByRole("link", { name: "Register this device" }).click();
  await heading(page, "Register this device");
  await looks.look(page, "register-device");
  await page.getByLabel("Name of the device").fill("Kitchen");
  await press(page, "Register this device");
  await heading(page, "This device is registered");
  await looks.look(page, "device-registered");
  await page.goto(`${base}/account/devices`);
  await page.getByText("Kitchen").waitFor();
  await looks.look(page, "devices-registered");
  await press(page, "End Kitchen");
  await done(page, "The device was ended");
}

async function otherSitesDoNothing() {
  const page = await looks.person();
  await signIn(page, "gil@example.org");
  for (const [where, act] of [["/account/data", "erase"], ["/account/devices", "end_others"], ["/account", "username"]]) {
    await page.goto(told.page);
    await page.setContent(`<form method="post" action="${base}${where}"><input name="act" value="${act}"><button>Go</button></form>`);
    await page.getByRole("button").click();
    await heading(page, "Begin on this page");
  }
  await page.goto(told.page);
  for (const mode of ["cors", "no-cors"]) {
    const read = await page.evaluate(async ([address, mode]) => {
      const answer = await fetch(address, { credentials: "include", mode }).catch(() => undefined);
      return answer ? answer.text() : "";
    }, [`${base}/account`, mode]);
    assert.ok(!read.includes("gil@"), "nothing of it can be read");
  }
  await page.setContent(`<iframe src="${base}/account"></iframe>`);
  await page.waitForTimeout(300);
  assert.equal(await page.frameLocator("iframe").locator("main").count().catch(() => 0), 0);
  looks.complaints = looks.complaints.filter((one) => !/frame-ancestors|CORS policy|ERR_FAILED/.test(one));
  // A link from there shows it, to the person alone.
  await page.goto(told.page);
  await page.setContent(`<a href="${base}/account">Go</a>`);
  await page.getByRole("link").click();
  await heading(page, "About you");
}

async function anAppsColourAndLogo() {
  const page = await looks.person();
  await page.goto(`${base}/account?app=bright`);
  await page.getByRole("img", { name: "Bright & Co" }).waitFor();
  await looks.look(page, "bright-start");
  await signIn(page, "hal@example.org", "bright");
  await looks.look(page, "bright-account");
  await looks.weigh(page, `${base}/account`);
  await looks.weigh(page, `${base}/account/security`);
  // An operator's own page, in place of ours.
  await page.goto(`${base}/sign-out`);
  await page.getByText("Good bye, then?").waitFor();
}

async function fromRightToLeft() {
  const page = await looks.person({ locale: "ar" });
  await page.goto(`${base}/account?app=bright`);
  await page.locator("input[name=name]").waitFor();
  assert.equal(await page.locator("html").getAttribute("dir"), "rtl");
  await looks.look(page, "right-to-left-start");
  await page.locator("input[name=name]").fill("ida@example.org");
  await page.keyboard.press("Enter");
  await page.locator("#code").fill(await mailed(mails, "ida@example.org"));
  await page.keyboard.press("Enter");
  await page.waitForURL(`${base}/account`);
  await looks.look(page, "right-to-left-account");
  await page.goto(`${base}/account/security`);
  await looks.look(page, "right-to-left-security");
}

async function wordsAreTheReaders() {
  const page = await looks.person();
  await signIn(page, "joe@example.org");
  for (const [locale, title] of [["de", "Über Sie"], ["fr", "À propos de vous"], ["es", "Sobre usted"], ["ja", "あなたについて"]]) {
    await page.context().setExtraHTTPHeaders({ "accept-language": locale });
    await page.goto(`${base}/account`);
    await heading(page, title);
    await looks.look(page, `${locale}-you`);
    await page.goto(`${base}/account/security`);
    await looks.look(page, `${locale}-security`);
  }
}

try {
  await looks.run([everythingWithoutScripts, theEnd, passkeysAndSheetsWithScripts, aDeviceIsRegisteredAndEnded,
    otherSitesDoNothing, anAppsColourAndLogo, fromRightToLeft, wordsAreTheReaders]);
} finally {
  other.close();
}
