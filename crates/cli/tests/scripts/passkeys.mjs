// Passkeys and security keys in Chromium with its virtual authenticators, on pages that hold the scripts of
// docs/passkeys.md as they are printed there. Fails when one of them does not do what the text says.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";
import path from "node:path";

import { mailed as mailedTo } from "./mails.mjs";

const [modules, executablePath, text, part, words] = process.argv.slice(2);
const { chromium } = createRequire(modules + "/")("playwright-core");
const told = JSON.parse(words);
const printed = [...fs.readFileSync(text, "utf8").matchAll(/^```js\n(.*?)^```/gms)].map((found) => found[1]).join("\n");
const base = told.issuer;
const mailed = (address) => mailedTo(path.join(told.folder, "mail"), address);

// A page with the scripts, for the app that wants this level at least.
const html = (level) => `<!doctype html><title>Page</title><input autocomplete="username webauthn">
<script>const server = ${JSON.stringify(base)}, key = ${JSON.stringify(told.keys[level])};</script>
<script>${printed}</script>`;

// ---- where pages are ----

const args = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
  "--disable-background-networking", "--disable-component-update",
];
const servers = [];
const listen = async (server, port) => {
  servers.push(server.listen(port, "127.0.0.1"));
  await new Promise((resolve) => server.once("listening", resolve));
  return server.address().port;
};
const isPage = (url) => url.pathname.startsWith("/page/");
const answerPage = (request, response) =>
  response.setHeader("content-type", "text/html").end(html(request.url.split("/").pop()));

// Names of several domains, all of them this machine, with a certificate that the browser is told to believe. Behind
// id.example.test is our server; the web server of example.test passes on what browsers ask it about passkeys.
async function serveNames() {
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => path.join(told.folder, name));
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
    "-days", "2", "-subj", "/CN=test", "-keyout", key, "-out", cert, "-addext",
    "subjectAltName=DNS:example.test,DNS:*.example.test,DNS:*.other.test,DNS:*.third.test"], { stdio: "ignore" });
  const tls = { key: fs.readFileSync(key), cert: fs.readFileSync(cert) };
  const port = await listen(https.createServer(tls, (request, response) => {
    const { host } = request.headers;
    const isOurs = host === "id.example.test" || (host === "example.test" && request.url === "/.well-known/webauthn");
    if (isPage(new URL(request.url, base))) return answerPage(request, response);
    if (!isOurs) return response.writeHead(404).end();
    const { url, method, headers } = request;
    request.pipe(http.request({ host: "127.0.0.1", port: told.port, path: url, method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    }));
  }));
  const spki = new X509Certificate(tls.cert).publicKey.export({ type: "spki", format: "der" });
  args.push(`--host-resolver-rules=MAP *.test 127.0.0.1:${port}`);
  args.push(`--ignore-certificate-errors-spki-list=${createHash("sha256").update(spki).digest("base64")}`);
}

// An app's page, and one that the server has not heard of.
let phisher;
if (part === "names") {
  await serveNames();
} else {
  await listen(http.createServer(answerPage), new URL(told.pages[0]).port);
  phisher = `http://localhost:${await listen(http.createServer(answerPage), 0)}`;
}
const browser = await chromium.launch({ executablePath, args });

// ---- people, their browsers and what is in them ----

const passkeyMaker = { protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal", hasResidentKey: true,
  hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
const oldKey = { protocol: "u2f", transport: "usb", automaticPresenceSimulation: true };

class Person {
  constructor(name) {
    this.address = `${name}@example.org`;
  }

  static async with(name, authenticator) {
    const person = new Person(name);
    person.context = await browser.newContext();
    person.context.setDefaultTimeout(15_000);
    await person.context.route((url) => url.port === String(told.port) && isPage(url), (route) => {
      const level = new URL(route.request().url()).pathname.split("/").pop();
      return route.fulfill({ contentType: "text/html", body: html(level) });
    });
    person.page = await person.context.newPage();
    await person.open("mailbox");
    person.cdp = await person.context.newCDPSession(person.page);
    person.news = [];
    for (const news of ["credentialDeleted", "credentialUpdated"]) {
      person.cdp.on(`WebAuthn.${news}`, (event) => person.news.push([news, event]));
    }
    await person.cdp.send("WebAuthn.enable", { enableUI: false });
    if (authenticator) await person.plug(authenticator);
    return person;
  }

  open(level, origin = base) {
    return this.page.goto(`${origin}/page/${level}`);
  }

  async plug(options) {
    if (this.authenticatorId) await this.tell("removeVirtualAuthenticator");
    ({ authenticatorId: this.authenticatorId } = await this.cdp.send("WebAuthn.addVirtualAuthenticator", { options }));
  }

  // Tells the authenticator something.
  tell(what, more) {
    return this.cdp.send(`WebAuthn.${what}`, { authenticatorId: this.authenticatorId, ...more });
  }

  async kept() {
    return (await this.tell("getCredentials")).credentials;
  }

  // Runs a script on the page, as one of its own would; a refusal gives its code, a browser's own its name.
  async do(script) {
    const refusal = `(error) => ({ refused: typeof error.code === "string" ? error.code : error.name, status: error.status })`;
    const late = new Promise((resolve) => setTimeout(resolve, 5_000, { refused: `${script} waits` }));
    return Promise.race([this.page.evaluate(`(async () => ${script})().catch(${refusal})`), late]);
  }

  // The walk by address, with what a person types.
  async signIn() {
    const typed = { code: () => mailed(this.address), totp: () => this.shown() };
    await this.page.exposeFunction("typed", (what) => typed[what]()).catch(() => {});
    return this.do(`signIn("${this.address}", typed)`);
  }

  // A sign-in by hand: `step` stays on the page.
  async upToTheCode(andThen) {
    await this.do(`begin({ email: "${this.address}" }).then((begun) => (window.step = begun)("mail"))`);
    const code = await mailed(this.address);
    return this.do(`step("code", { code: "${code}" }).then(() => ${andThen})`);
  }

  // What the person's other device shows: the code of the step before, or of this one.
  shown(before = 0) {
    const at = new Date(Date.now() - before * 30_000).toISOString().slice(0, 19).replace("T", " ") + " UTC";
    return execFileSync("oathtool", ["--totp", "--base32", "--now", at, this.secret], { encoding: "utf8" }).trim();
  }

  async forget() {
    await this.context.clearCookies();
  }
}

// ---- what people do ----

const people = {};
const names = {};
const flows = { people, names }[part];

people.aPasskeySignsInWithoutAName = async () => {
  const ann = await Person.with("ann", passkeyMaker);
  const first = await ann.signIn();
  assert.deepEqual([first.status, first.acr], [200, "urn:countersign:mailbox"], JSON.stringify(first));
  const made = await ann.do(`addPasskey("Laptop")`);
  assert.deepEqual([made.status, made.kind, made.label], [201, "passkey", "Laptop"], JSON.stringify(made));
  assert.equal((await ann.do(`addPasskey("Again")`)).refused, "stronger_sign_in_needed", "that was a code alone");
  await ann.forget();
  const again = await ann.do(`usePasskey(await begin())`);
  assert.deepEqual([again.status, again.acr, again.amr], [200, "aal2", ["pop", "user", "mfa"]], JSON.stringify(again));
  assert.equal(again.subject, first.subject);
  assert.equal((await ann.do(`addPasskey("Again")`)).refused, "InvalidStateError", "it has one already");
  // A code is not enough any more, and the passkey beside it is.
  await ann.forget();
  const both = await ann.signIn();
  assert.deepEqual([both.status, both.acr], [200, "aal2"], JSON.stringify(both));
  const { items } = await ann.do(`ask("/v1/me/credentials", undefined, "GET")`);
  assert.ok(items.length === 1 && items[0].used_at >= items[0].created_at, JSON.stringify(items));
};

people.passkeysAreOfferedWhereTheNameWouldBeTyped = async () => {
  const ben = await Person.with("ben", passkeyMaker);
  const { subject } = await ben.signIn();
  await ben.do(`addPasskey("Laptop")`);
  await ben.forget();
  const answer = await ben.do(`usePasskey(await begin(), { mediation: "conditional" })`);
  assert.deepEqual([answer.status, answer.acr, answer.subject], [200, "aal2", subject], JSON.stringify(answer));
  // What was not chosen is given up when a button is pressed.
  await ben.forget();
  await ben.tell("setAutomaticPresenceSimulation", { enabled: false });
  await ben.page.evaluate(() => {
    window.stop = new AbortController();
    window.waiting = begin().then((step) => usePasskey(step, { mediation: "conditional", signal: stop.signal }));
    window.waiting.catch(() => {});
  });
  await ben.page.waitForTimeout(300);
  await ben.page.evaluate(() => window.stop.abort());
  assert.equal((await ben.do(`window.waiting`)).refused, "AbortError");
  await ben.tell("setAutomaticPresenceSimulation", { enabled: true });
  assert.equal((await ben.do(`usePasskey(await begin())`)).status, 200);
};

people.anAuthenticatorThatDoesNotKnowItsPersonIsOneFactor = async () => {
  const cat = await Person.with("cat", passkeyMaker);
  await cat.signIn();
  await cat.tell("setResponseOverrideBits", { isBadUV: true });
  const lax = await cat.do(`addPasskey("Lax")`);
  assert.deepEqual([lax.refused, lax.status], ["passkey_not_accepted", 422]);
  await cat.tell("setResponseOverrideBits", { isBadUV: false });
  await cat.do(`addPasskey("Laptop")`);
  await cat.forget();
  await cat.tell("setUserVerified", { isUserVerified: false });
  assert.equal((await cat.do(`usePasskey(await begin())`)).refused, "NotAllowedError", "the PIN was wrong");
  await cat.tell("setUserVerified", { isUserVerified: true });
  for (const lie of ["isBadUV", "isBadUP", "isBogusSignature"]) {
    await cat.tell("setResponseOverrideBits", { [lie]: true });
    const refused = await cat.do(`usePasskey(await begin())`);
    assert.deepEqual([refused.refused, refused.status], ["invalid_passkey", 401], lie);
    await cat.tell("setResponseOverrideBits", { [lie]: false });
  }
  // Beside a code it is one factor; where two are wanted, that is not enough.
  await cat.tell("setResponseOverrideBits", { isBadUV: true });
  const one = await cat.signIn();
  assert.deepEqual([one.status, one.acr], [200, "aal1"], JSON.stringify(one));
  await cat.forget();
  await cat.open("aal2");
  const more = await cat.upToTheCode(`usePasskey(step)`);
  assert.deepEqual([more.status, more.next], [202, ["passkey"]], JSON.stringify(more));
  assert.deepEqual(await cat.context.cookies(), []);
  await cat.tell("setResponseOverrideBits", { isBadUV: false });
  const two = await cat.do(`usePasskey(step)`);
  assert.deepEqual([two.status, two.acr], [200, "aal2"], JSON.stringify(two));
};

people.anOldSecurityKeyIsASecondFactor = async () => {
  const dan = await Person.with("dan", oldKey);
  await dan.signIn();
  assert.equal((await dan.do(`addPasskey("Key")`)).refused, "NotAllowedError", "it cannot be a passkey");
  const made = await dan.do(`addPasskey("Key", { kind: "security_key" })`);
  assert.deepEqual([made.status, made.kind], [201, "security_key"], JSON.stringify(made));
  await dan.forget();
  const { status, acr, amr } = await dan.signIn();
  assert.deepEqual([status, acr, amr], [200, "aal1", ["otp", "pop", "user"]]);
  await dan.forget();
  assert.equal((await dan.do(`usePasskey(await begin())`)).refused, "NotAllowedError", "it knows no names");
  // Where two factors are wanted, it and a code are one: a passkey is made by another authenticator.
  await dan.open("aal2");
  const more = await dan.upToTheCode(`usePasskey(step)`);
  assert.deepEqual([more.done, more.next, more.enrol], [["code", "security_key"], [], ["passkey"]], JSON.stringify(more));
  assert.deepEqual(await dan.context.cookies(), []);
  await dan.plug(passkeyMaker);
  const two = await dan.do(`makePasskey(step)`);
  assert.deepEqual([two.status, two.acr], [200, "aal2"], JSON.stringify(two));
  const { items } = await dan.do(`ask("/v1/me/credentials", undefined, "GET")`);
  assert.deepEqual(items.map((item) => item.kind), ["security_key", "passkey"]);
  await dan.forget();
  // Somebody else's key is not this person's.
  await dan.plug(oldKey);
  assert.equal((await dan.signIn()).refused, "NotAllowedError");
  assert.deepEqual(await dan.context.cookies(), []);
};

people.aBrowserMakesAPasskeyUnasked = async () => {
  const eve = await Person.with("eve", passkeyMaker);
  const { subject } = await eve.signIn();
  const { conditionalCreate } = await eve.page.evaluate(() => PublicKeyCredential.getClientCapabilities());
  assert.equal(conditionalCreate, true);
  // Chromium makes none in a virtual authenticator, and does not say so: the page's patience ends.
  const signal = `{ mediation: "conditional", signal: AbortSignal.timeout(500) }`;
  const waited = await eve.do(`addPasskey("This browser", { conditional: true }, ${signal})`);
  assert.ok(waited.status === 201 || waited.refused === "TimeoutError", JSON.stringify(waited));
  // What such a browser answers: nobody touched anything, nobody typed a PIN.
  if (waited.refused) {
    await eve.tell("setResponseOverrideBits", { isBadUP: true, isBadUV: true });
    const made = await eve.do(`addPasskey("This browser", { conditional: true })`);
    assert.deepEqual([made.status, made.kind], [201, "security_key"], JSON.stringify(made));
    await eve.tell("setResponseOverrideBits", { isBadUP: false, isBadUV: false });
  }
  // Nobody has shown yet whose it is: beside a code it becomes a passkey, by itself it signs nobody in.
  await eve.forget();
  assert.equal((await eve.do(`usePasskey(await begin())`)).refused, "invalid_passkey");
  assert.equal((await eve.signIn()).status, 200);
  const { items } = await eve.do(`ask("/v1/me/credentials", undefined, "GET")`);
  assert.deepEqual(items.map((item) => item.kind), ["passkey"]);
  await eve.forget();
  const alone = await eve.do(`usePasskey(await begin())`);
  assert.deepEqual([alone.status, alone.acr, alone.subject], [200, "aal2", subject], JSON.stringify(alone));
};

people.whoLacksAFactorMakesOneOnTheWay = async () => {
  const fay = await Person.with("fay", passkeyMaker);
  await fay.open("aal2");
  const made = await fay.signIn();
  assert.deepEqual([made.status, made.acr], [200, "aal2"], JSON.stringify(made));
  await fay.forget();
  const alone = await fay.do(`usePasskey(await begin())`);
  assert.deepEqual([alone.status, alone.acr, alone.subject], [200, "aal2", made.subject], JSON.stringify(alone));
};

people.anAppThatShowsCodesIsAddedOnTheWay = async () => {
  const gus = await Person.with("gus");
  await gus.open("aal1");
  const { new_totp: { secret, ceremony } } = await gus.upToTheCode(`step("new_totp_options")`);
  gus.secret = secret;
  // A code of the step before is good, and leaves this step's for the next sign-in. Not at the turn of steps.
  while (Date.now() % 30_000 > 22_000) await gus.page.waitForTimeout(100);
  const made = await gus.do(`step("new_totp", { ceremony: "${ceremony}", code: "${gus.shown(1)}" })`);
  assert.deepEqual([made.status, made.acr], [200, "aal1"], JSON.stringify(made));
  const again = await Person.with("gus");
  again.secret = secret;
  const { status, acr, subject } = await again.signIn();
  assert.deepEqual([status, acr], [200, "aal1"]);
  assert.ok(subject);
};

people.anAppsPageAsksAndAPhisherGetsNothing = async () => {
  const hal = await Person.with("hal", passkeyMaker);
  const { subject } = await hal.signIn();
  await hal.do(`addPasskey("Laptop")`);
  await hal.forget();
  await hal.open("mailbox", told.pages[0]);
  const there = await hal.do(`usePasskey(await begin())`);
  assert.deepEqual([there.status, there.acr], [200, "aal2"], JSON.stringify(there));
  assert.equal(there.subject, subject);
  const own = await hal.do(`addPasskey("Other")`);
  assert.equal(own.refused, "origin_not_allowed", "accounts are looked after on the server's own pages alone");
  await aPhisherGetsNothing(hal, phisher);
};

// A page of the RP ID that nobody listed: the browser gives it a signature, the server takes none.
async function aPhisherGetsNothing(person, page) {
  await person.forget();
  await person.open("mailbox", page);
  assert.equal((await person.do(`begin()`)).refused, "TypeError", "it cannot read what is answered");
  const { id, binding } = await passOn("/v1/sign-in", {});
  const { passkey } = await passOn(`/v1/sign-in/${id}`, { binding, method: "passkey_options" });
  const credential = await person.page.evaluate(async (passkey) => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(passkey);
    return (await navigator.credentials.get({ publicKey })).toJSON();
  }, passkey);
  const refused = await passOn(`/v1/sign-in/${id}`, { binding, method: "passkey", credential });
  assert.deepEqual([refused.status, refused.code], [401, "invalid_passkey"]);
}

// What a machine between a person and the server asks: it writes any header.
async function passOn(where, body) {
  const headers = { authorization: `Bearer ${told.keys.mailbox}`, origin: base, "content-type": "application/json" };
  const url = `http://127.0.0.1:${told.port}${where}`;
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: answer.status, ...(await answer.json()) };
}

people.theBrowserIsToldWhatIsGone = async () => {
  const ida = await Person.with("ida", passkeyMaker);
  await ida.signIn();
  const made = await ida.do(`addPasskey("Laptop")`);
  await ida.forget();
  await ida.do(`usePasskey(await begin())`);
  assert.equal((await ida.do(`ask("/v1/me", { display_name: "Ida" }, "PATCH")`)).status, 200);
  await ida.do(`tellBrowser()`);
  const [kept] = await ida.kept();
  assert.deepEqual([kept.userName, kept.userDisplayName], [ida.address, "Ida"]);
  const gone = await ida.do(`ask("/v1/me/credentials/${made.id}", {}, "DELETE")`);
  assert.ok(gone.status < 300, JSON.stringify(gone));
  await ida.do(`tellBrowser()`);
  assert.deepEqual(await ida.kept(), []);
  assert.deepEqual(ida.news.map(([news]) => news), ["credentialUpdated", "credentialDeleted"]);
};

people.copiesAreTold = async () => {
  const jan = await Person.with("jan", passkeyMaker);
  await jan.signIn();
  await jan.do(`addPasskey("Laptop")`);
  const [copy] = await jan.kept();
  await jan.forget();
  assert.equal((await jan.do(`usePasskey(await begin())`)).status, 200);
  await jan.plug(passkeyMaker);
  const { backupEligibility, backupState, ...rest } = copy;
  await jan.tell("addCredential", { credential: rest });
  await jan.forget();
  assert.equal((await jan.do(`usePasskey(await begin())`)).refused, "invalid_passkey", "its counter does not rise");
  assert.equal((await jan.do(`usePasskey(await begin())`)).status, 200, "from here on it rises again");
};

people.synchronisedPasskeys = async () => {
  const synchronised = { ...passkeyMaker, defaultBackupEligibility: true, defaultBackupState: true };
  const kim = await Person.with("kim", synchronised);
  await kim.signIn();
  assert.equal((await kim.do(`addPasskey("Cloud")`)).status, 201);
  const [{ credentialId }] = await kim.kept();
  for (const [backupEligibility, backupState, good] of [[true, true, true], [true, false, true], [false, false, false]]) {
    await kim.forget();
    await kim.tell("setCredentialProperties", { credentialId, backupEligibility, backupState });
    const answer = await kim.do(`usePasskey(await begin())`);
    assert.equal(answer.status, good ? 200 : 401, JSON.stringify([backupEligibility, backupState, answer]));
  }
};

names.pagesOfRelatedNamesUseTheSamePasskeys = async () => {
  const lea = await Person.with("lea", passkeyMaker);
  const { subject } = await lea.signIn();
  const made = await lea.do(`addPasskey("Laptop")`);
  assert.deepEqual([made.status, made.kind], [201, "passkey"], JSON.stringify(made));
  assert.equal((await lea.kept())[0].rpId, "example.test");
  const [below, related, stranger] = told.pages;
  for (const page of [base, below, related]) {
    await lea.forget();
    await lea.open("mailbox", page);
    const answer = await lea.do(`usePasskey(await begin())`);
    assert.deepEqual([answer.status, answer.acr, answer.subject], [200, "aal2", subject], page);
    const offered = await lea.do(`usePasskey(await begin(), { mediation: "conditional" })`);
    assert.deepEqual([offered.status, offered.subject], [200, subject], page);
  }
  // An app's page of another name: the browser asks example.test, and does as it says.
  await lea.open("mailbox", stranger);
  assert.equal((await lea.do(`usePasskey(await begin())`)).refused, "SecurityError");
  await aPhisherGetsNothing(lea, "https://phisher.example.test");
};

names.aPageOfARelatedNameMakesAPasskeyOnTheWay = async () => {
  const max = await Person.with("max", passkeyMaker);
  await max.open("aal2", told.pages[1]);
  const made = await max.signIn();
  assert.deepEqual([made.status, made.acr], [200, "aal2"], JSON.stringify(made));
  await max.forget();
  await max.open("aal2");
  const answer = await max.do(`usePasskey(await begin())`);
  assert.deepEqual([answer.status, answer.subject], [200, made.subject], JSON.stringify(answer));
};

const failures = [];
setTimeout(() => assert.fail(`it took too long: ${failures.join("\n\n")}`), 100_000).unref();
try {
  const chosen = Object.keys(flows).filter((name) => !process.env.ONLY || name.includes(process.env.ONLY));
  for (const name of chosen) {
    const began = Date.now();
    await flows[name]().catch((error) => failures.push(`${name}: ${error.stack}`));
    await Promise.all(browser.contexts().map((context) => context.close()));
    console.error(`${name}: ${Date.now() - began} ms`);
  }
} finally {
  await browser.close();
  for (const server of servers) server.close();
}
assert.equal(failures.join("\n\n"), "");
