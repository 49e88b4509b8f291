// The demo page of `dev`: what a page of an app does with a publishable key.
const demo = document.getElementById("demo");
const part = (id) => document.getElementById(id);
let challenge;

async function call(path, body, bearer = demo.dataset.key) {
  const response = await fetch(path, {
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${bearer}`, ...(body && { "content-type": "application/json" }) },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error([answer.title, answer.detail].filter(Boolean).join(": "));
  return answer;
}

function tell(problem) {
  part("problem").hidden = !problem;
  part("problem").textContent = problem ?? "";
}

function claims(token) {
  const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(payload), (letter) => letter.charCodeAt(0))));
}

async function finish({ access_token: token }) {
  challenge = undefined;
  part("check").hidden = true;
  part("done").hidden = false;
  part("claims").textContent = JSON.stringify(claims(token), null, 2);
  part("token").textContent = token;
  part("status").textContent = JSON.stringify(await call("/v1/token", undefined, token));
}

// Goes on by itself when the link of the mail was approved.
async function wait(id) {
  while (challenge?.id === id) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    if (challenge?.id !== id) return;
    const { status } = await call(`/v1/challenges/${id}`);
    if (status === "passed") return finish(await call(`/v1/challenges/${id}/redeem`, { binding: challenge.binding }));
    if (status !== "pending") return;
  }
}

part("ask").addEventListener("submit", async (event) => {
  event.preventDefault();
  tell();
  try {
    const email = part("email").value;
    challenge = await call("/v1/challenges", { to: { email } });
    part("ask").hidden = true;
    part("check").hidden = false;
    part("to").textContent = email;
    part("number").textContent = challenge.confirmation_number;
    part("code").focus();
    wait(challenge.id).catch((error) => tell(error.message));
  } catch (error) {
    tell(error.message);
  }
});

part("check").addEventListener("submit", async (event) => {
  event.preventDefault();
  tell();
  try {
    const { id, binding } = challenge;
    await finish(await call(`/v1/challenges/${id}/verify`, { code: part("code").value, binding }));
  } catch (error) {
    tell(error.message);
  }
});
