// What people do with passkeys in Chromium on pages of several names: below the RP ID, related to it, and neither.

import assert from "node:assert/strict";

import { aPhisherGetsNothing, base, passkeyMaker, Person, run, serveNames, told } from "./pages.mjs";

await serveNames();

async function pagesOfRelatedNamesUseTheSamePasskeys() {
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
}

async function aPageOfARelatedNameMakesAPasskeyOnTheWay() {
  const max = await Person.with("max", passkeyMaker);
  await max.open("aal2", told.pages[1]);
  const made = await max.signIn();
  assert.deepEqual([made.status, made.acr], [200, "aal2"], JSON.stringify(made));
  await max.forget();
  await max.open("aal2");
  const answer = await max.do(`usePasskey(await begin())`);
  assert.deepEqual([answer.status, answer.subject], [200, made.subject], JSON.stringify(answer));
}

await run([
  pagesOfRelatedNamesUseTheSamePasskeys,
  aPageOfARelatedNameMakesAPasskeyOnTheWay,
]);
