// What people do on the sign-in page in Chromium: with scripts and without, and back to an app's host behind a proxy that
// shares no cookie with us. Each page is looked at in light and dark, narrow and wide, and kept as a picture.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import http from "node:http";
import path from "node:path";

import { Looks, heading } from "./looks.mjs";
import { letter, mailed } from "./mails.mjs";

const [modules, executablePath, words] = process.argv.slice(2);
const told = JSON.parse(words);
const mails = path.join(told.folder, "mail");
const base = told.issuer;
const appHost = new URL(told.page).host;
const looks = new Looks(modules, executablePath, told.shots, [new URL(base).host, appHost]);
const person = (options) => looks.person(options);
const look = (page, name) => looks.look(page, name);

// An app's host: what begins with /.countersign/ is passed on to us, all else wants the cookie of the app.
const proxy = http.createServer((request, response) => {
  const { url, method, headers } = request;
  if (url.startsWith("/.countersign/")) {
    const passed = http.request({ host: "127.0.0.1", port: told.port, path: url, method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    return request.pipe(passed);
  }
  const isIn = /__Host-countersign-app=/.test(headers.cookie ?? "");
  if (isIn || ["/favicon.ico", "/open"].includes(url)) return response.writeHead(200, { "content-type": "text/html" }).end("<h1>Inside</h1>");
  const back = new URLSearchParams({ app: "club", return_to: told.page + url });
  return response.writeHead(302, { location: `${told.page}/.countersign/start?${back}` }).end();
});
proxy.listen(Number(new URL(told.page).port), "127.0.0.1");

const signIn = (app, to = `${told.page}/x?y=1`) => `${base}/sign-in?${new URLSearchParams({ app, return_to: to })}`;

async function name(page, address) {
  await page.getByLabel(/Email address/).fill(address);
  await page.keyboard.press("Enter");
}

async function withoutScripts() {
  const page = await person({ javaScriptEnabled: false });
  await page.goto(`${told.page}/x?y=1`);
  assert.equal(new URL(page.url()).origin, base, "the app's host sends who is not signed in to us");
  await heading(page, "Sign in to The Club");
  assert.equal(await page.evaluate("document.activeElement.id").catch(() => "name"), "name");
  await look(page, "start");
  await name(page, "ann@example.org");
  await heading(page, "Check your mail");
  await look(page, "mail");
  await page.getByLabel("Code from the mail").fill("000000");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  await look(page, "wrong-code");
  await page.getByLabel("Code from the mail").fill(await mailed(mails, "ann@example.org"));
  await page.keyboard.press("Enter");
  await heading(page, "Inside");
  assert.equal(page.url(), `${told.page}/x?y=1`, "and back to the page that was wanted");
  const cookies = await page.context().cookies();
  const app = cookies.find((cookie) => cookie.name === "__Host-countersign-app");
  assert.deepEqual([app.domain, app.secure, app.httpOnly, app.sameSite], ["127.0.0.1", true, true, "Lax"]);
  assert.ok(!cookies.some((cookie) => cookie.name.endsWith("-state")), "the mark is gone");
  // Signed in here, the app's host need not ask again.
  await page.context().clearCookies({ domain: "127.0.0.1" });
  await page.goto(`${told.page}/again`);
  assert.equal(page.url(), `${told.page}/again`);
  await page.goto(`${base}/sign-in?app=club`);
  await heading(page, "You are signed in");
  await look(page, "done");
  await page.getByRole("link", { name: "Sign out" }).click();
  await heading(page, "Sign out?");
  await look(page, "sign-out");
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await heading(page, "You are signed out");
  await look(page, "signed-out");
  // A spent way back, and one that leads nowhere.
  await page.goto(`${told.page}/.countersign/callback?ticket=x`);
  await heading(page, "This way back is over");
  await look(page, "way-back-over");
  await page.goto(signIn("club", "https://evil.example/"));
  await heading(page, "This address does not work");
  await look(page, "astray");
}

// What reads people's mail before them: by HEAD, by GET, and by a browser that presses whatever there is. It gets nothing
// and ends nothing.
async function scanned(link) {
  for (const method of ["HEAD", "GET", "GET"]) {
    const answer = await fetch(link, { method, redirect: "manual" });
    assert.ok(answer.status === 200 && !answer.headers.has("set-cookie"));
  }
  const page = await person();
  await page.goto(link);
  await page.getByRole("button").click();
  await page.locator("form").evaluate((form) => form.submit());
  await page.waitForLoadState();
  assert.equal((await page.context().cookies()).length, 0);
  await page.context().close();
}

async function theLinkElsewhereLetsThePageGoOn() {
  for (const javaScriptEnabled of [true, false]) {
    const page = await person({ javaScriptEnabled });
    const address = `link-${javaScriptEnabled}@example.org`;
    await page.goto(signIn("links"));
    await name(page, address);
    await heading(page, "Check your mail");
    const number = (await page.locator(".big").textContent()).trim();
    if (javaScriptEnabled) await look(page, "link");
    const { link } = await letter(mails, address);
    await scanned(link);
    const other = await person();
    await other.goto(link);
    await other.locator("#number").fill(number);
    await other.getByRole("button").click();
    await heading(other, "Done");
    await page.waitForURL(`${told.page}/x?y=1`);
  }
}

// What the person's other device shows.
function shown(secret, before = 0) {
  const at = new Date(Date.now() - before * 30_000).toISOString().slice(0, 19).replace("T", " ") + " UTC";
  return execFileSync("oathtool", ["--totp", "--base32", "--now", at, secret], { encoding: "utf8" }).trim();
}

async function anAppThatShowsCodesIsMadeOnTheWayAndAskedForThen() {
  let page = await person({ javaScriptEnabled: false });
  const begin = async () => {
    await page.goto(signIn("strong"));
    await name(page, "bob@example.org");
    await page.getByLabel("Code from the mail").fill(await mailed(mails, "bob@example.org"));
    await page.keyboard.press("Enter");
    await heading(page, "One more step");
  };
  await begin();
  await look(page, "enrol");
  await page.getByRole("button", { name: "Set up an authenticator app" }).click();
  await heading(page, "Set up an authenticator app");
  const secret = await page.locator(".key").textContent();
  await look(page, "new-totp");
  // A code of the step before is good, and leaves this step's for the next sign-in. Not at the turn of steps.
  while (Date.now() % 30_000 > 20_000) await new Promise((resolve) => setTimeout(resolve, 100));
  await page.getByLabel("Code from your app").fill(shown(secret, 1));
  await page.keyboard.press("Enter");
  await page.waitForURL(`${told.page}/x?y=1`);
  page = await person({ javaScriptEnabled: false });
  await begin();
  await look(page, "totp");
  await page.getByLabel("Code from your app").fill(shown(secret));
  await page.keyboard.press("Enter");
  await page.waitForURL(`${told.page}/x?y=1`);
  // What an app asks for beyond what the session proved.
  await page.goto(`${signIn("strong")}&acr_values=aal2`);
  await heading(page, "Show that it is you");
  await look(page, "step-up");
}

async function aPasswordIsAskedForWhereThereAreSome() {
  const page = await person({ javaScriptEnabled: false });
  await page.goto(signIn("staff", `${told.page}/open`));
  await name(page, "cat@example.org");
  await page.getByLabel("Password").waitFor();
  await look(page, "password");
  await page.getByLabel("Password").fill("not the one");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  await page.getByRole("link", { name: "Sign in by mail" }).click();
  await look(page, "send-mail");
  await page.getByRole("button", { name: "Send me a mail" }).click();
  await page.getByLabel("Code from the mail").fill(await mailed(mails, "cat@example.org"));
  await page.keyboard.press("Enter");
  await page.waitForURL(`${told.page}/open`);
}

async function withAnAuthenticator(page) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable", { enableUI: false });
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal", hasResidentKey: true,
      hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  return (what, more) => cdp.send(`WebAuthn.${what}`, { authenticatorId, ...more });
}

async function passkeys() {
  const page = await person();
  const tell = await withAnAuthenticator(page);
  await page.goto(signIn("strongest"));
  await name(page, "dan@example.org");
  await page.getByLabel("Code from the mail").fill(await mailed(mails, "dan@example.org"));
  await page.keyboard.press("Enter");
  await heading(page, "One more step");
  await look(page, "new-passkey");
  await page.getByRole("button", { name: "Make a passkey" }).click();
  await page.waitForURL(`${told.page}/x?y=1`);
  // Offered where the name would be typed; nobody types.
  await page.context().clearCookies();
  await page.goto(signIn("strongest"));
  await page.waitForURL(`${told.page}/x?y=1`);
  // By the button, where it is not taken up at once, and where the authenticator says no at first.
  await page.context().clearCookies();
  await tell("setAutomaticPresenceSimulation", { enabled: false });
  await page.goto(signIn("strongest"));
  const button = page.getByRole("button", { name: "Use a passkey" });
  await button.waitFor();
  await look(page, "start-passkey");
  await tell("setUserVerified", { isUserVerified: false });
  await tell("setAutomaticPresenceSimulation", { enabled: true });
  await page.waitForTimeout(300);
  await button.click();
  await page.getByRole("alert").waitFor();
  await look(page, "wrong-passkey");
  await tell("setUserVerified", { isUserVerified: true });
  await button.click();
  await page.waitForURL(`${told.page}/x?y=1`);
  // Beside a mailed code it is what is asked for.
  await page.context().clearCookies();
  await tell("setAutomaticPresenceSimulation", { enabled: false });
  await page.goto(signIn("strongest"));
  await name(page, "dan@example.org");
  await page.getByLabel("Code from the mail").fill(await mailed(mails, "dan@example.org"));
  await page.keyboard.press("Enter");
  await page.getByText("asks for your fingerprint").waitFor();
  await look(page, "passkey");
  await tell("setAutomaticPresenceSimulation", { enabled: true });
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.waitForURL(`${told.page}/x?y=1`);
}

// Another site's page sends our forms, from a browser that is signed in.
async function otherSitesGetNothing() {
  const page = await person();
  await page.goto(signIn("club"));
  await name(page, "eve@example.org");
  await page.getByLabel("Code from the mail").fill(await mailed(mails, "eve@example.org"));
  await page.keyboard.press("Enter");
  await page.waitForURL(`${told.page}/x?y=1`);
  for (const [action, heading_] of [[`${base}/sign-out`, "Begin on this page"], [signIn("club"), "Begin on this page"]]) {
    await page.goto(`${told.page}/`);
    await page.setContent(`<form method="post" action="${action.replaceAll("&", "&amp;")}"><button>Go</button></form>`);
    await page.getByRole("button").click();
    await heading(page, heading_);
  }
  await look(page, "foreign");
  await page.goto(signIn("club"));
  assert.equal(page.url(), `${told.page}/x?y=1`, "nobody was signed out");
  // A page in a frame is none.
  await page.goto(`${told.page}/`);
  await page.setContent(`<iframe src="${base}/sign-in?app=club"></iframe>`);
  await page.waitForTimeout(300);
  assert.equal(await page.frameLocator("iframe").locator("main").count().catch(() => 0), 0);
  looks.complaints = looks.complaints.filter((one) => !one.includes("frame-ancestors"));
}

async function wordsAreTheReaders() {
  for (const [locale, words] of [["de", "Anmelden bei The Club"], ["fr", "Se connecter à The Club"],
    ["es", "Iniciar sesión en The Club"], ["ja", "The Club にログイン"]]) {
    const page = await person({ locale });
    await page.goto(signIn("club"));
    await heading(page, words);
    await look(page, `start-${locale}`);
  }
}

async function firstViewsAreSmall() {
  await looks.weigh(await person(), signIn("club"));
}

try {
  await looks.run([withoutScripts, theLinkElsewhereLetsThePageGoOn, anAppThatShowsCodesIsMadeOnTheWayAndAskedForThen,
    aPasswordIsAskedForWhereThereAreSome, passkeys, otherSitesGetNothing, wordsAreTheReaders, firstViewsAreSmall]);
} finally {
  proxy.close();
}
