// What people do with passkeys and security keys in Chromium, on pages of the server and of an app beside it, by the scripts
// of docs/passkeys.md. Fails when one of them does not do what the text says.

import assert from "node:assert/strict";

import { aPhisherGetsNothing, oldKey, passkeyMaker, Person, run, serveApps, told } from "./pages.mjs";

const phisher = await serveApps();

async function aPasskeySignsInWithoutAName() {
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
}

async function passkeysAreOfferedWhereTheNameWouldBeTyped() {
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
}

async function anAuthenticatorThatDoesNotKnowItsPersonIsOneFactor() {
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
}

async function anOldSecurityKeyIsASecondFactor() {
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
}

async function aBrowserMakesAPasskeyUnasked() {
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
}

async function whoLacksAFactorMakesOneOnTheWay() {
  const fay = await Person.with("fay", passkeyMaker);
  await fay.open("aal2");
  const made = await fay.signIn();
  assert.deepEqual([made.status, made.acr], [200, "aal2"], JSON.stringify(made));
  await fay.forget();
  const alone = await fay.do(`usePasskey(await begin())`);
  assert.deepEqual([alone.status, alone.acr, alone.subject], [200, "aal2", made.subject], JSON.stringify(alone));
}

async function anAppThatShowsCodesIsAddedOnTheWay() {
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
}

async function anAppsPageAsksAndAPhisherGetsNothing() {
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
}

async function theBrowserIsToldWhatIsGone() {
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
}

async function copiesAreTold() {
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
}

async function synchronisedPasskeys() {
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
}

async function aSessionIsMadeStrongerAndABrowserTrusted() {
  const nan = await Person.with("nan", passkeyMaker);
  const first = await nan.signIn();
  const stronger = await nan.do(`makePasskey(await begin({ step_up: true, acr_values: ["aal2"] }))`);
  assert.deepEqual([stronger.status, stronger.acr], [200, "aal2"], JSON.stringify(stronger));
  assert.equal(stronger.subject, first.subject);
  assert.equal((await nan.do(`begin({ step_up: true, acr_values: ["aal2"] })`)).status, 422, "it is strong enough");
  const trusting = await nan.upToTheCode(`usePasskey(async (method, more) => step(method, {
    ...more, ...(method === "passkey" ? { trust_device: true } : {}),
  }))`);
  assert.deepEqual([trusting.status, trusting.acr], [200, "aal2"], JSON.stringify(trusting));
  const kept = await nan.context.cookies();
  const device = kept.filter((cookie) => cookie.name.endsWith("-device"));
  assert.equal(device.length, 1, JSON.stringify(kept));
  assert.deepEqual([device[0].secure, device[0].httpOnly], [true, true]);
  await nan.forget();
  await nan.context.addCookies(device);
  await nan.tell("setAutomaticPresenceSimulation", { enabled: false });
  assert.equal((await nan.signIn()).acr, "urn:countersign:mailbox", "the passkey need not be shown");
}

await run([
  aPasskeySignsInWithoutAName,
  passkeysAreOfferedWhereTheNameWouldBeTyped,
  anAuthenticatorThatDoesNotKnowItsPersonIsOneFactor,
  anOldSecurityKeyIsASecondFactor,
  aBrowserMakesAPasskeyUnasked,
  whoLacksAFactorMakesOneOnTheWay,
  anAppThatShowsCodesIsAddedOnTheWay,
  anAppsPageAsksAndAPhisherGetsNothing,
  theBrowserIsToldWhatIsGone,
  copiesAreTold,
  synchronisedPasskeys,
  aSessionIsMadeStrongerAndABrowserTrusted,
]);
