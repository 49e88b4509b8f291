// better-auth with a SQLite file. Arguments: the port, the file.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import Database from "better-sqlite3";

const [port, file] = process.argv.slice(2);
const database = new Database(file);
database.pragma("journal_mode = WAL");
const digest = (password) => createHash("sha256").update(password).digest("hex");
const options = {
  database,
  baseURL: `http://localhost:${port}`,
  secret: "a secret for a comparison that is thrown away afterwards",
  telemetry: { enabled: false },
  // It would refuse the load after a hundred requests.
  rateLimit: { enabled: false },
  emailAndPassword: {
    enabled: true,
    // Signing in is not measured: a quick hash, so that a thousand people are there in seconds.
    password: { hash: async (password) => digest(password), verify: async ({ hash, password }) => hash === digest(password) },
  },
};
const { runMigrations } = await getMigrations(options);
await runMigrations();
createServer(toNodeHandler(betterAuth(options))).listen(Number(port), "127.0.0.1");
