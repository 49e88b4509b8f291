// The scripts of docs/passkeys.md as they are printed there, with an authenticator that is neither ours nor Chromium's in
// place of the browser's: one that signs by each algorithm that we ask for.

import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

import { mailed } from "./mails.mjs";

const [modules, text, words] = process.argv.slice(2);
const told = JSON.parse(words);
const { default: WebAuthnEmulator, AuthenticatorEmulator } = createRequire(modules + "/")("nid-webauthn-emulator");
const printed = [...fs.readFileSync(text, "utf8").matchAll(/^```js\n(.*?)^```/gms)].map((found) => found[1]).join("\n");
const take = "({ begin, usePasskey, signIn, addPasskey, tellBrowser, makePasskey })";

// A page of the server's own in a browser that holds cookies and has this authenticator.
function page(level, emulator) {
  const jar = new Map();
  const ask = async (url, { headers, ...options }) => {
    const cookie = [...jar].map((pair) => pair.join("=")).join("; ");
    const answer = await fetch(url, { ...options, headers: { ...headers, origin: told.issuer, cookie } });
    for (const set of answer.headers.getSetCookie()) jar.set(...set.split(";")[0].split(/=(.*)/, 2));
    return answer;
  };
  const credential = (json) => ({ toJSON: () => json, ...json });
  const navigator = { credentials: {
    create: async ({ publicKey }) => credential(emulator.createJSON(told.issuer, publicKey)),
    get: async ({ publicKey }) => credential(emulator.getJSON(told.issuer, publicKey)),
  } };
  const PublicKeyCredential = {
    parseCreationOptionsFromJSON: (json) => json,
    parseRequestOptionsFromJSON: (json) => json,
    signalAllAcceptedCredentials: (options) => emulator.signalAllAcceptedCredentials(options),
  };
  const given = { server: told.issuer, key: told.keys[level], fetch: ask, navigator, PublicKeyCredential };
  const scripts = new Function(...Object.keys(given), `${printed}; return ${take};`)(...Object.values(given));
  return { ...scripts, signIn: (address) => scripts.signIn(address, () => mailed(path.join(told.folder, "mail"), address)) };
}

const refused = (promise) => promise.then(() => "nothing", (error) => error.code ?? String(error));

for (const algorithm of ["ES256", "EdDSA", "RS256"]) {
  const authenticator = (uv) => {
    const answers = () => ({ options: { uv, up: true } });
    const algorithmIdentifiers = [algorithm];
    return new AuthenticatorEmulator({
      algorithmIdentifiers, userMakeCredentialInteraction: answers, userGetAssertionInteraction: answers,
    });
  };
  const emulator = new WebAuthnEmulator(authenticator(true));
  const address = `${algorithm.toLowerCase()}@example.org`;
  const there = page("mailbox", emulator);
  const { subject } = await there.signIn(address);
  const made = await there.addPasskey(algorithm);
  assert.deepEqual([made.status, made.kind], [201, "passkey"], algorithm);
  for (let times = 0; times < 2; times += 1) {
    const { usePasskey, begin } = page("mailbox", emulator);
    const answer = await usePasskey(await begin());
    assert.deepEqual([answer.status, answer.acr, answer.subject], [200, "aal2", subject], algorithm);
  }
  await there.tellBrowser();
  assert.equal((await page("aal2", emulator).signIn(address)).acr, "aal2", "it was not told to forget it");
  // One that does not know its person makes no passkey, here and on the way.
  const lax = page("aal2", new WebAuthnEmulator(authenticator(false)));
  const other = `lax-${address}`;
  assert.match(await refused(lax.signIn(other)), /^invalid_passkey$/);
  const onTheWay = await page("aal2", new WebAuthnEmulator(authenticator(true))).signIn(other);
  assert.deepEqual([onTheWay.status, onTheWay.acr], [200, "aal2"], algorithm);
}
