// A browser of the Chromium family with its virtual authenticators, pages that hold the scripts of docs/passkeys.md as
// they are printed there, and the people in front of them. What they do is said elsewhere.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";
import path from "node:path";

import { mailed as mailedTo } from "./mails.mjs";

const [modules, executablePath, text, words] = process.argv.slice(2);
const { chromium } = createRequire(modules + "/")("playwright-core");
export const told = JSON.parse(words);
const printed = [...fs.readFileSync(text, "utf8").matchAll(/^```js\n(.*?)^```/gms)].map((found) => found[1]).join("\n");
export const base = told.issuer;
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
let browser;
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
export async function serveNames() {
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

// An app's page; where one is that the server has not heard of.
export async function serveApps() {
  await listen(http.createServer(answerPage), new URL(told.pages[0]).port);
  return `http://localhost:${await listen(http.createServer(answerPage), 0)}`;
}

// ---- people, their browsers and what is in them ----

export const passkeyMaker = { protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal", hasResidentKey: true,
  hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
export const oldKey = { protocol: "u2f", transport: "usb", automaticPresenceSimulation: true };

export class Person {
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
    const late = new Promise((resolve) => setTimeout(resolve, 15_000, { refused: `${script} waits` }).unref());
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

// A page of the RP ID that nobody listed: the browser gives it a signature, the server takes none.
export async function aPhisherGetsNothing(person, page) {
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

// Lets people do all of this in a new browser; every failure is told.
export async function run(flows) {
  const failures = [];
  setTimeout(() => assert.fail(`it took too long: ${failures.join("\n\n")}`), 200_000).unref();
  browser = await chromium.launch({ executablePath, args });
  try {
    for (const flow of flows) {
      const began = Date.now();
      await flow().catch((error) => failures.push(`${flow.name}: ${error.stack}`));
      await Promise.all(browser.contexts().map((context) => context.close()));
      console.error(`${flow.name}: ${Date.now() - began} ms`);
    }
  } finally {
    await browser.close();
    for (const server of servers) server.close();
  }
  assert.equal(failures.join("\n\n"), "");
}
