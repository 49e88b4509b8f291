// Verifies tokens with jose, knowing only where the key set is and who issues; those that come with a shared secret
// (base64url), with that. Fails when one does not hold.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, jwks, issuer, tokens] = process.argv.slice(2);
const { createRemoteJWKSet, jwtVerify } = await import(
  pathToFileURL(createRequire(modules + "/").resolve("jose")),
);
const keys = createRemoteJWKSet(new URL(jwks));
for (const { algorithm, audience, token, secret } of JSON.parse(tokens)) {
  const options = { issuer, audience, algorithms: [algorithm], typ: "at+jwt" };
  const key = secret ? new Uint8Array(Buffer.from(secret, "base64url")) : keys;
  const { payload } = await jwtVerify(token, key, options);
  if (payload.client_id !== audience) throw new Error(`client_id of ${algorithm}`);
  for (const wrong of [{ audience: "somebody-else" }, { issuer: "https://elsewhere.example" }, { typ: "JWT" }]) {
    const held = await jwtVerify(token, key, { ...options, ...wrong }).then(() => true, () => false);
    if (held) throw new Error(`${algorithm} holds with ${JSON.stringify(wrong)}`);
  }
}
