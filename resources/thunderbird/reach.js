// What a click on the line in the compose window shows: the number, how it is known, and why SendGuard would ask.

import { element, fill, text } from "./texts.js";

fill();
const [tab] = await browser.tabs.query({ active: true, currentWindow: true });
const said = await browser.runtime.sendMessage({ about: "reach", tabId: tab?.id });
document.getElementById("label").textContent = said?.label || text("live_empty");
document.getElementById("lines").replaceChildren(...(said?.lines ?? []).map(line => element("li", line)));
if (said?.why) {
  document.getElementById("why").textContent = `${text(`why_${said.why}`)} ${text(`now_${said.why}`)}`;
}
