// Verifies tokens with jose, knowing only where the key set is and who issues. Fails when one does not hold.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, jwks, issuer, tokens] = process.argv.slice(2);
const { createRemoteJWKSet, jwtVerify } = await import(
  pathToFileURL(createRequire(modules + "/").resolve("jose")),
);
const keys = createRemoteJWKSet(new URL(jwks));
for (const { algorithm, audience, token } of JSON.parse(tokens)) {
  const options = { issuer, audience, algorithms: [algorithm], typ: "at+jwt" };
  const { payload } = await jwtVerify(token, keys, options);
  if (payload.client_id !== audience) throw new Error(`client_id of ${algorithm}`);
  for (const wrong of [{ audience: "somebody-else" }, { issuer: "https://elsewhere.example" }, { typ: "JWT" }]) {
    const held = await jwtVerify(token, keys, { ...options, ...wrong }).then(() => true, () => false);
    if (held) throw new Error(`${algorithm} holds with ${JSON.stringify(wrong)}`);
  }
}
