// How it stands: whether SendGuard answers, the versions, and the last answers.

import { answers } from "./remembered.js";
import { element, fill, text } from "./texts.js";

async function show() {
  const { version, why } = await browser.runtime.sendMessage({ about: "state" });
  const state = why ? `${text(`why_${why}`) || text("why_fault")} ${text(`now_${why}`) || text("now_fault")}` : text("works");
  document.getElementById("state").textContent = state;
  const own = browser.runtime.getManifest().version;
  document.getElementById("versions").textContent = text("versions", own, version ?? "–");
  const rows = (await answers()).map(({ at, people, came, answer }) => {
    const row = document.createElement("tr");
    const when = new Date(at).toLocaleString(browser.i18n.getUILanguage(), { dateStyle: "medium", timeStyle: "short" });
    row.append(element("td", when), element("td", people), element("td", came || text(`came_${answer}`)));
    return row;
  });
  document.getElementById("answers").replaceChildren(...rows);
  document.getElementById("none").hidden = rows.length > 0;
}

fill();
document.getElementById("again").addEventListener("click", show);
await show();
