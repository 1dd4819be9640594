// Why a message was not sent (or was sent without SendGuard, where IT allows that).

import { fill, text } from "./texts.js";

const query = new URLSearchParams(location.search);
const why = query.get("why");

fill();
const words = query.get("words");
const show = (id, said) => { document.getElementById(id).textContent = said; };
show("what", text(query.get("went") ? "went_unguarded" : "not_sent"));
show("why", words || text(`why_${why}`) || text("why_fault"));
show("now", words ? "" : text(query.get("went") ? "now_went" : `now_${why}`) || text("now_fault"));
document.getElementById("close").addEventListener("click", () => window.close());
document.addEventListener("keydown", event => {
  if (event.key === "Escape") {
    window.close();
  }
});
