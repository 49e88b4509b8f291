// Shows new mails as they arrive, unless somebody is reading one.
const count = document.querySelectorAll("article").length;
setInterval(async () => {
  const { count: now } = await (await fetch("/dev/inbox.json")).json();
  const reading = document.querySelector("details[open]");
  if (now !== count && !reading) location.reload();
}, 1000);
