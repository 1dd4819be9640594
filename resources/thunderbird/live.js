// The line in the compose window: how many people the message reaches as it stands, from the same source as the question.

import { connect } from "./line.js";
import { forget, read } from "./message.js";

const LOOK_EVERY_MS = 150;
const SHARE = 20; // looking takes at most one part in so many of Thunderbird's time
const AGAIN_MS = 3000;
const ICONS = { quiet: "icons/watching.svg", ask: "icons/holding.svg", block: "icons/holding.svg", off: "icons/trouble.svg" };

const watched = new Map(); // by window: what was said of it last

export function watch(tabId) {
  if (!watched.has(tabId)) {
    watched.set(tabId, { key: "", said: null });
    look(tabId);
  }
}

export function unwatch(tabId) {
  watched.delete(tabId);
  forget(tabId);
}

export function saidOf(tabId) {
  return watched.get(tabId)?.said ?? null;
}

async function look(tabId) {
  const state = watched.get(tabId);
  if (!state) {
    return;
  }
  let wait = LOOK_EVERY_MS;
  try {
    const began = performance.now();
    const details = await browser.compose.getComposeDetails(tabId);
    wait = Math.max(wait, SHARE * (performance.now() - began));
    wait = Math.max(wait, await count(tabId, state, details));
  } catch {
    unwatch(tabId); // the window has gone
    return;
  }
  setTimeout(look, wait, tabId);
}

// Have it counted where something has changed; returns how long to wait at least.
async function count(tabId, state, details) {
  const { to, cc, bcc, from, type, identityId, relatedMessageId, subject } = details;
  const key = JSON.stringify([to, cc, bcc, from, type, identityId, relatedMessageId, !subject]);
  if (key === state.key) {
    return 0;
  }
  try {
    const line = await connect();
    const said = await line.say("count", { message: await read(tabId, details, false) });
    line.port.onDisconnect.addListener(() => { state.key = ""; });
    state.key = key;
    await show(tabId, state, said);
  } catch (error) {
    await show(tabId, state, { level: "off", label: browser.i18n.getMessage("live_off"), lines: [], why: error.why });
    return AGAIN_MS;
  }
  return 0;
}

async function show(tabId, state, said) {
  state.said = said;
  const label = said.label || browser.i18n.getMessage("live_empty");
  await Promise.all([
    browser.composeAction.setLabel({ tabId, label }),
    browser.composeAction.setTitle({ tabId, title: ["SendGuard", said.label, ...said.lines].filter(Boolean).join("\n") }),
    browser.composeAction.setIcon({ tabId, path: ICONS[said.level] ?? ICONS.quiet }),
  ]);
}
