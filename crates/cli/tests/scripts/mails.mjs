// The codes in mails that a server put into a folder.

import fs from "node:fs";
import path from "node:path";

const read = new Set();

// The code of a mail to somebody that nobody has read yet, waiting for it.
export async function mailed(folder, address) {
  for (let tries = 0; tries < 500; tries += 1) {
    const names = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
    for (const name of names.filter((name) => name.endsWith(".eml") && !read.has(name))) {
      const mail = fs.readFileSync(path.join(folder, name), "utf8").replaceAll("=\r\n", "");
      if (!mail.includes(`To: ${address}\r\n`) && !mail.includes(`To: <${address}>\r\n`)) continue;
      read.add(name);
      const code = /^(?:@|=40)\S+ #(\S+)\r$/m.exec(mail);
      if (code) return code[1];
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no code came to ${address}`);
}
