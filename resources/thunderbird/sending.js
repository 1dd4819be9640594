// Before a message leaves: SendGuard is asked, and what it answers is done.

import { pause, resume } from "./live.js";
import { connect, nextNumber, NotAnswered } from "./line.js";
import { read } from "./message.js";
import { remember } from "./remembered.js";

const TRIES = 2;
const ABSENT = new Set(["no_host", "not_running", "silent", "too_old", "too_new"]);
const asked = new Map(); // by window: the number of the question that is open there, and its line
const released = new Map(); // by window: what SendGuard let go and waits to hear of

// The listener of compose.onBeforeSend. Whatever happens it answers: an exception would lock the window for good.
export async function beforeSend(tab, details) {
  let verdict = { cancel: true };
  try {
    tell(released.get(tab.id), "sent", { went: false }); // nothing more was heard of the last try
    released.delete(tab.id);
    await pause(tab.id).catch(() => {});
    verdict = await decide(tab, details);
  } catch (error) {
    verdict = await undecided(error);
  }
  asked.delete(tab.id);
  if (verdict.cancel) {
    resume(tab.id);
  }
  return verdict;
}

async function decide(tab, details) {
  let current = details;
  for (let tried = 0; tried < TRIES; tried += 1) {
    const line = await connect().catch(absent);
    if (!line) {
      return {};
    }
    const message = await read(tab.id, current, true);
    const number = nextNumber();
    asked.set(tab.id, { line, number });
    const answer = await line.say("ask", { message }, number);
    remember(answer); // nobody waits for that
    if (answer.answer === "change") {
      await browser.compose.setComposeDetails(tab.id, { to: answer.to, cc: answer.cc, bcc: answer.bcc });
    } else if (answer.answer === "send") {
      current = answer.go ? current : await browser.compose.getComposeDetails(tab.id);
      if (answer.go || (await release(line, number, tab.id, current))) {
        released.set(tab.id, { line, number });
        return {};
      }
      continue; // it is not what was answered for
    } else if (answer.words) {
      await explain("said", answer.words);
    }
    return { cancel: true };
  }
  throw new NotAnswered("fault");
}

// After a person's answer: what leaves now has to be what they answered for.
async function release(line, ask, tabId, details) {
  const { go } = await line.say("release", { ask, message: await read(tabId, details, true) });
  return go;
}

// SendGuard is not there. A policy of IT may let such a message go, with a warning.
async function absent(error) {
  const why = error.why ?? "fault";
  const { WhenNotRunning: rule } = await policy();
  if (rule !== "warn" || !ABSENT.has(why)) {
    throw error;
  }
  await explain(why, "", "went");
  return null;
}

async function undecided(error) {
  try {
    console.error(`SendGuard: a message was not sent: ${error.why ?? error.name}`);
    await explain(error.why ?? "fault");
  } catch {
    // the send is cancelled all the same
  }
  return { cancel: true };
}

async function policy() {
  try {
    return await browser.storage.managed.get();
  } catch {
    return {}; // no policy
  }
}

// A small window that says what happened, what is safe, and what to do.
async function explain(why, words = "", went = "") {
  const query = new URLSearchParams({ why, words, went });
  await browser.windows.create({
    type: "popup", url: `stopped.html?${query}`, width: 560, height: 300, allowScriptsToClose: true,
  });
}

// What became of it: SendGuard notes it down. Thunderbird calls a message that its server refused sent as well (153), but
// knows an id only of one that the server took.
export function afterSend(tab, result) {
  const letGo = released.get(tab.id);
  released.delete(tab.id);
  const taken = result.mode === "sendNow" ? Boolean(result.headerMessageId) : true;
  tell(letGo, "sent", { went: !result.error && taken });
  resume(tab.id);
}

// The window was closed: nobody waits for an answer any more.
export function closed(tabId) {
  tell(asked.get(tabId), "withdraw", {});
  asked.delete(tabId);
}

function tell(about, what, fields) {
  try {
    about?.line.tell(what, { ask: about.number, ...fields });
  } catch {
    // the line has ended, and SendGuard knows
  }
}

export function isAsking() {
  return asked.size > 0;
}
