// oidc-provider with its storage in a Map. Arguments: the port, how many access tokens to make, the file they go to.
import { renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const [port, count, file] = process.argv.slice(2);
const kept = new Map();

// Its own storage for tests forgets after a thousand entries.
class Kept {
  constructor(name) { this.name = name; }
  async upsert(id, payload) { kept.set(`${this.name}:${id}`, payload); }
  async find(id) { return kept.get(`${this.name}:${id}`); }
  async findByUid() {}
  async findByUserCode() {}
  async consume() {}
  async destroy(id) { kept.delete(`${this.name}:${id}`); }
  async revokeByGrantId() {}
}

const provider = new Provider(`http://localhost:${port}`, {
  adapter: Kept,
  clients: [{ client_id: "bench", client_secret: "bench", redirect_uris: ["https://bench.example.org/"] }],
  claims: { email: ["email"] },
  scopes: ["openid", "email"],
  ttl: { AccessToken: 86400, Grant: 86400 },
  findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id, email: `${id}@example.org` }) }),
});
createServer(provider.callback()).listen(Number(port), "127.0.0.1");

const client = await provider.Client.find("bench");
const tokens = [];
for (let number = 0; number < Number(count); number += 1) {
  const accountId = `person-${number}`;
  const grant = new provider.Grant({ accountId, clientId: "bench" });
  grant.addOIDCScope("openid email");
  const token = new provider.AccessToken({ accountId, client, grantId: await grant.save(), scope: "openid email", gty: "authorization_code" });
  tokens.push(await token.save());
}
writeFileSync(`${file}.new`, tokens.join("\n"));
renameSync(`${file}.new`, file);
