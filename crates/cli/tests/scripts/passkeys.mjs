// Adds a passkey and a security key to accounts of a running server with Chromium's own virtual authenticators, by the
// functions that a page has: what the server sends is parsed by the browser, what the browser writes is sent. The cookies
// are those of people who signed in a moment ago.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [modules, executablePath, base, ...cookies] = process.argv.slice(2);
const { chromium } = createRequire(modules + "/")("playwright-core");
const args = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
  "--disable-background-networking", "--disable-component-update",
];
const browser = await chromium.launch({ executablePath, args });

// A page of the server's own, with an authenticator in the device.
async function person(cookie, options) {
  const context = await browser.newContext();
  context.setDefaultTimeout(15_000);
  const [name, value] = cookie.split("=");
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  // Set as the server sets it: for this host alone, and secure, which localhost counts as.
  const url = base.replace("http:", "https:") + "/";
  const { success } = await devtools.send("Network.setCookie", { name, value, url, path: "/", secure: true });
  assert.ok(success);
  await page.goto(base + "/openapi.json");
  await devtools.send("WebAuthn.enable");
  const authenticator = { automaticPresenceSimulation: true, ...options };
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", { options: authenticator });
  const held = async () => (await devtools.send("WebAuthn.getCredentials", { authenticatorId })).credentials;
  return { page, held };
}

const call = (page, method, path, body) =>
  page.evaluate(
    async ([method, path, body]) => {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
      return { status: answer.status, body: await answer.json() };
    },
    [method, path, body],
  );

const create = (page, options) =>
  page.evaluate(async (options) => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    return (await navigator.credentials.create({ publicKey })).toJSON();
  }, options);

async function add(page, wanted) {
  const options = await call(page, "POST", "/v1/me/credentials/passkey/options", wanted);
  assert.equal(options.status, 200, JSON.stringify(options));
  const made = { ...(await create(page, options.body)), label: "virtual" };
  const added = await call(page, "POST", "/v1/me/credentials/passkey", made);
  assert.equal(added.status, 201, JSON.stringify(added));
  return { options: options.body, made, added: added.body };
}

async function aPasskey(cookie) {
  const inside = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true };
  const { page, held } = await person(cookie, { ...inside, isUserVerified: true });
  const { options, made, added } = await add(page, {});
  assert.equal(added.kind, "passkey");
  const [kept] = await held();
  assert.ok(kept.isResidentCredential);
  assert.equal(Buffer.from(kept.userHandle, "base64").toString("base64url"), options.user.id);
  const { body: signal } = await call(page, "GET", "/v1/me/credentials/signal");
  assert.deepEqual(signal.allAcceptedCredentials.allAcceptedCredentialIds, [made.id]);
  // Told which are good, the browser keeps this one; told that none is, it forgets it.
  const tell = (accepted) =>
    page.evaluate((accepted) => PublicKeyCredential.signalAllAcceptedCredentials(accepted), accepted);
  await tell(signal.allAcceptedCredentials);
  assert.equal((await held()).length, 1);
  await page.evaluate((user) => PublicKeyCredential.signalCurrentUserDetails(user), signal.currentUserDetails);
  assert.equal((await held())[0].userName, "ann@example.net");
  await tell({ ...signal.allAcceptedCredentials, allAcceptedCredentialIds: [] });
  assert.equal((await held()).length, 0);
}

async function anOldSecurityKey(cookie) {
  const { page, held } = await person(cookie, { protocol: "u2f", transport: "usb" });
  const { added } = await add(page, { kind: "security_key" });
  assert.equal(added.kind, "security_key");
  assert.ok(!(await held())[0].isResidentCredential);
  const { body } = await call(page, "GET", "/v1/me/credentials");
  assert.deepEqual(body.items.map((one) => one.kind), ["security_key"]);
}

try {
  await aPasskey(cookies[0]);
  await anOldSecurityKey(cookies[1]);
} finally {
  await browser.close();
}
