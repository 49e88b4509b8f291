// The codes and links in mails that a server put into a folder.

import fs from "node:fs";
import path from "node:path";

const read = new Set();

// The code and the link of a mail to somebody that nobody has read yet, waiting for it.
export async function letter(folder, address) {
  for (let tries = 0; tries < 500; tries += 1) {
    const names = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
    for (const name of names.filter((name) => name.endsWith(".eml") && !read.has(name))) {
      const mail = fs.readFileSync(path.join(folder, name), "utf8").replaceAll("=\r\n", "");
      if (!mail.includes(`To: ${address}\r\n`) && !mail.includes(`To: <${address}>\r\n`)) continue;
      read.add(name);
      const [, code] = /^(?:@|=40)\S+ #(\S+)\r$/m.exec(mail) ?? [];
      const [link] = /http\S+\/link\/\w+/.exec(mail) ?? [];
      if (code || link) return { code, link };
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no code or link came to ${address}`);
}

// The code alone.
export async function mailed(folder, address) {
  const { code } = await letter(folder, address);
  return code ?? mailed(folder, address);
}
