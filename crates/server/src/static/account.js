// The pages of an account: makes passkeys, and helps to keep recovery codes. All else works without.
const form = document.getElementById("passkey");

async function made(form) {
  const asked = await fetch("/v1/me/credentials/passkey/options", { method: "POST" });
  if (asked.status === 403) return location.assign(form.dataset.fresh);
  if (!asked.ok) throw new Error(String(asked.status));
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(await asked.json());
  const credential = await navigator.credentials.create({ publicKey });
  form.elements.credential.value = JSON.stringify(credential);
  form.submit();
}

if (form && window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
  const button = form.querySelector("button");
  const problem = form.querySelector("p[role=alert]");
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    problem.hidden = true;
    try {
      await made(form);
    } catch {
      problem.textContent = form.dataset.problem;
      problem.hidden = false;
      button.disabled = false;
      button.focus();
    }
  });
}

// Passkeys that were removed here are forgotten by whoever keeps them, where the browser can tell them.
async function signal() {
  const answer = await fetch("/v1/me/credentials/signal");
  if (!answer.ok) return;
  const { allAcceptedCredentials, currentUserDetails } = await answer.json();
  await PublicKeyCredential.signalAllAcceptedCredentials(allAcceptedCredentials);
  await PublicKeyCredential.signalCurrentUserDetails(currentUserDetails);
}

if (form && new URLSearchParams(location.search).has("done") && window.PublicKeyCredential?.signalAllAcceptedCredentials) {
  signal().catch(() => {});
}

const keep = {
  async copy(codes, button) {
    await navigator.clipboard.writeText(codes);
    button.textContent = button.dataset.done;
  },
  download(codes) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([codes], { type: "text/plain" }));
    link.download = "recovery-codes.txt";
    link.click();
    URL.revokeObjectURL(link.href);
  },
  print: () => window.print(),
};

for (const sheet of document.querySelectorAll("[data-codes]")) {
  const codes = [...sheet.querySelectorAll("li")].map((item) => item.textContent.trim()).join("\n");
  sheet.querySelector(".scripted").hidden = false;
  for (const button of sheet.querySelectorAll("button[data-do]")) {
    button.addEventListener("click", () => keep[button.dataset.do](`${codes}\n`, button));
  }
}
