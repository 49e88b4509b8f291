// The sign-in page: goes on when the link of a mail was confirmed, and asks authenticators. All else works without.
const main = document.querySelector("main[data-view]");
const here = main?.dataset.here;

// Until the link was confirmed, or is over.
async function wait() {
  document.getElementById("waiting")?.removeAttribute("hidden");
  for (let asked = 0; asked < 300; asked += 1) {
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const answer = await fetch(here.replace("?", "/waiting?")).catch(() => undefined);
    const { waits = true } = (answer?.ok && (await answer.json())) || {};
    if (!waits) return location.replace(here);
  }
}

// What an authenticator is asked by a form, and what the form then sends.
class Passkey {
  constructor(form) {
    this.form = form;
    this.button = form.querySelector("button");
    this.problem = form.querySelector("p[role=alert][hidden]");
    this.makes = form.dataset.kind === "new_passkey";
  }

  async options() {
    const body = new URLSearchParams({ step: this.form.dataset.kind });
    const answer = await fetch(here.replace("?", "/passkey?"), { method: "POST", body });
    if (!answer.ok) throw new Error(String(answer.status));
    const { passkey, new_passkey: made } = await answer.json();
    return this.makes
      ? PublicKeyCredential.parseCreationOptionsFromJSON(made)
      : PublicKeyCredential.parseRequestOptionsFromJSON(passkey);
  }

  async ask(more = {}) {
    const publicKey = await this.options();
    const container = navigator.credentials;
    const credential = this.makes
      ? await container.create({ publicKey, ...more })
      : await container.get({ publicKey, ...more });
    this.form.elements.credential.value = JSON.stringify(credential);
    this.form.submit();
  }

  // Offered where the name is typed, until a button is pressed.
  async offer() {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    this.offering = new AbortController();
    await this.ask({ mediation: "conditional", signal: this.offering.signal }).catch(() => {});
  }

  start() {
    this.button.hidden = false;
    this.form.addEventListener("submit", async (event) => {
      event.preventDefault();
      this.offering?.abort();
      this.problem.hidden = true;
      this.button.disabled = true;
      try {
        await this.ask();
      } catch {
        this.problem.textContent = this.form.dataset.problem;
        this.problem.hidden = false;
        this.button.disabled = false;
        this.button.focus();
      }
    });
    if ("conditional" in this.form.dataset) this.offer();
  }
}

// A time that is left, in the words that stand there; what waits for its end is offered then.
function count(text) {
  const [minutes, seconds] = text.dataset.clock.split(":").map(Number);
  const end = Date.now() + (minutes * 60 + seconds) * 1000;
  const offered = "then" in text.dataset ? text.nextElementSibling : undefined;
  let shown = text.dataset.clock;
  if (offered) offered.hidden = true;
  const timer = setInterval(() => {
    const left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
    const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    text.textContent = text.textContent.replace(shown, clock);
    shown = clock;
    if (left > 0) return;
    clearInterval(timer);
    text.hidden = true;
    if (offered) offered.hidden = false;
  }, 1000);
}

for (const text of document.querySelectorAll("[data-clock]")) count(text);
if (main && "waits" in main.dataset) wait();
const form = document.getElementById("passkey");
if (form && window.PublicKeyCredential?.parseRequestOptionsFromJSON) new Passkey(form).start();
